//! What the system that arise succeeds got wrong, line by line, and the tests that would notice it here.

use std::path::Path;
use std::sync::Arc;

use arise_core::clock::{DAY, MINUTE};
use arise_core::{SystemClock, TestClock};
use arise_store::{Location, Store, semester, tally};
use arise_testkit::server::{Answer, TestServer, at, for_both};
use axum::http::Method;
use serde_json::json;

/// Each line with what it was, and its tests: the file under `crates`, and the function.
const LINES: [(&str, &[(&str, &str)]); 20] = [
    (
        "endpoints without a login, hashes in lists, codes for anybody, a known sync key, PINs without limit",
        &[
            (ACCESS, "nobody_gets_in_without_a_login_that_holds"),
            (ACCESS, "nobody_does_what_is_another_role_s"),
            (ACCESS, "teachers_do_not_reach_each_other_s_classes"),
            (ACCESS, "what_is_public_is_known"),
            ("arise-http/tests/api/student.rs", "a_student_from_their_creation_to_their_deletion"),
            ("arise-http/tests/api/online.rs", "secrets_are_not_in_the_records"),
            ("arise-http/tests/api/snapshot.rs", "pushes_that_are_refused"),
            (
                "arise-http/tests/api/login.rs",
                "a_pin_is_guessed_no_faster_by_the_teacher_s_other_codes_or_all_at_once",
            ),
        ],
    ),
    (
        "a start ended everybody else's session",
        &[
            (SESSION, "a_course_has_one_open_session_and_teachers_do_not_end_each_other_s"),
            (DEVICE, "two_classes_at_once_each_with_a_scanner"),
        ],
    ),
    (
        "a scanner's queue credited the next class, and was in RAM",
        &[
            (DEVICE, "queued_marks_go_to_the_class_in_which_the_finger_was_placed"),
            (DEVICE, "a_mark_that_nobody_can_date_is_not_given_to_the_class_open_now"),
            ("arise-scanner-sim/tests/classes.rs", "whatever_the_display_acknowledged_survives_a_power_cut"),
        ],
    ),
    (
        "an absence counted as presence, and blocked a later scan",
        &[(HERE, "an_absence_is_an_absence_everywhere_and_blocks_no_scan"), (ORACLE, "on_sqlite")],
    ),
    (
        "late joiners were absent before, open sessions counted, percentages differed between screens",
        &[
            ("arise-http/tests/api/enrolment.rs", "who_joins_later_or_left_before_isn_t_absent"),
            ("arise-http/tests/api/report.rs", "the_workbook_says_what_the_report_says"),
            (ORACLE, "on_postgresql"),
        ],
    ),
    (
        "two marks of one student in one session",
        &[
            ("arise-http/tests/api/mark.rs", "a_thousand_double_marks_at_once_are_one_each"),
            ("arise-http/tests/api/online.rs", "one_mark_however_many_ask_at_once"),
        ],
    ),
    (
        "a push replaced the hub's database and renumbered its rows",
        &[
            ("arise-http/tests/api/snapshot.rs", "an_older_node_pushes_its_database"),
            ("arise-http/tests/api/snapshot.rs", "nodes_with_names_of_their_own_are_told_apart"),
            ("arise-http/tests/api/v1_import.rs", "a_second_import_adds_what_is_new_and_replaces_nothing"),
        ],
    ),
    (
        "a class behind one router was locked out",
        &[
            ("arise-http/tests/api/login.rs", "wrong_tries_cost_time_by_account_and_never_by_address"),
            ("arise-http/tests/api/online.rs", "wrong_codes_are_counted_by_student_and_never_by_address"),
        ],
    ),
    (
        "times without a zone",
        &[
            ("arise-http/tests/api/session.rs", "the_day_of_a_session_is_the_local_one"),
            ("arise-core/src/zone.rs", "india_and_a_zone_with_summer_time"),
        ],
    ),
    (
        "deleting a semester deleted its attendance; marks had no history",
        &[
            ("arise-http/tests/api/semester.rs", "a_semester_with_courses_stays"),
            ("arise-http/tests/api/audit.rs", "it_says_who_did_what_when_and_why"),
        ],
    ),
    (
        "text was escaped on its way in and shown raw elsewhere",
        &[
            ("arise-http/tests/api/typed.rs", "every_field_keeps_or_refuses_what_is_typed"),
            ("arise-http/tests/api/serve.rs", "pages_let_nothing_in_from_elsewhere"),
        ],
    ),
    (
        "any website could drive the server from a teacher's browser",
        &[
            (HERE, "a_page_of_another_site_is_told_nothing"),
            ("arise-http/tests/api/login.rs", "the_cookie_is_for_this_site_and_no_script"),
        ],
    ),
    (
        "one bad request, or a long import, held every mark up",
        &[
            (HERE, "a_bad_request_holds_nothing_up"),
            ("arise-http/tests/api/student_import.rs", "marks_keep_flowing_while_a_long_list_comes_in"),
            ("arise-http/tests/api/v1_import.rs", "a_large_file_comes_in_by_short_writes"),
        ],
    ),
    (
        "an ended session still took marks; after a restart yesterday's did",
        &[
            (SESSION, "the_clock_alone_ends_a_session"),
            (HERE, "starting_again_deletes_nothing_and_opens_nothing"),
        ],
    ),
    (
        "two students shared a class roll id; a deleted course's session swallowed every scan",
        &[
            ("arise-http/tests/api/enrolment.rs", "what_cannot_be_is_refused_whole"),
            (
                "arise-http/tests/api/course.rs",
                "a_course_with_an_open_session_stays_and_a_deleted_one_takes_no_marks",
            ),
        ],
    ),
    (
        "wrong streaks, wrong ranks, 2 classes needed where it was 8, more than 100 %",
        &[
            (HERE, "the_numbers_that_were_wrong"),
            ("arise-core/src/tally.rs", "eight_classes_where_the_old_alert_said_two"),
            ("arise-core/src/tally.rs", "a_percentage_stays_between_0_and_100"),
            (ORACLE, "on_sqlite"),
        ],
    ),
    (
        "a deleted student's token worked; the administrator's password couldn't be changed",
        &[
            (ACCESS, "nobody_gets_in_without_a_login_that_holds"),
            ("arise-http/tests/api/login.rs", "a_first_password_has_to_be_changed_before_anything_else"),
        ],
    ),
    (
        "a name reached Excel as a formula",
        &[
            ("arise-http/tests/api/report.rs", "the_workbook_says_what_the_report_says"),
            ("arise-http/tests/api/report_file.rs", "the_register_as_csv_is_the_workbook_and_the_report"),
        ],
    ),
    (
        "running set-up again deleted everything",
        &[
            (HERE, "starting_again_deletes_nothing_and_opens_nothing"),
            ("arise/tests/import.rs", "a_file_is_tried_imported_and_imported_again"),
        ],
    ),
    (
        "figures of a device or a limit lived in one process",
        &[
            ("arise-http/tests/api/online.rs", "processes_count_together"),
            ("arise-store/tests/it/shared.rs", "events_of_one_arrive_at_the_other"),
        ],
    ),
];

const HERE: &str = "arise-http/tests/api/mended.rs";
const ACCESS: &str = "arise-http/tests/api/access.rs";
const SESSION: &str = "arise-http/tests/api/session.rs";
const DEVICE: &str = "arise-http/tests/api/device.rs";
const ORACLE: &str = "arise-http/tests/oracle/main.rs";

#[test]
fn every_line_has_a_test() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (number, (line, tests)) in (1..).zip(LINES) {
        assert!(!tests.is_empty(), "{number}: {line}");
        for (file, test) in tests {
            let text = std::fs::read_to_string(crates.join(file)).unwrap_or_default();
            assert!(text.contains(&format!("fn {test}(")), "{number}: {line}: no {test} in {file}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absence_is_an_absence_everywhere_and_blocks_no_scan() {
    for_both(async |server| {
        let class = server.class("CS101", 2).await;
        let scanner = server.scanner("A").await;
        let session = class.start().await;
        let roll = &class.students[0].university_roll_no;
        let body = json!({"session_id": session, "reason": "power cut",
            "students": [{"roll": roll, "status": "absent"}]});
        class.teacher.post("/api/teacher/emergency-bulk-mark", body).await.ok();
        // The finger comes later: it is kept, and shows when the teacher takes the absence back.
        assert_eq!(scanner.finger(1).await, "success");
        assert!(class.letters(&session).await.starts_with('A'));
        let body = json!({"student_id": class.students[0].id, "status": null});
        class.teacher.post(&format!("/api/teacher/session/{session}/mark"), body).await.ok();
        assert!(class.letters(&session).await.starts_with('P'));
        let body = json!({"student_id": class.students[0].id, "status": "absent", "reason": "left"});
        class.teacher.post(&format!("/api/teacher/session/{session}/mark"), body).await.ok();
        class.end(&session).await;

        let student = server.log_in_student(roll).await;
        let dashboard = student.get("/api/student/dashboard").await.ok();
        assert_eq!(dashboard["overall_percentage"], 0.0);
        assert_eq!(
            (&dashboard["courses"][0]["present_count"], &dashboard["courses"][0]["absent_count"]),
            (&json!(0), &json!(1))
        );
        let board = student.get("/api/student/leaderboard").await.ok();
        assert_eq!(board["leaderboard"][0]["present_count"], 0);
        let analytics = class.teacher.get(&format!("/api/teacher/analytics/{}", class.course)).await.ok();
        assert_eq!(analytics["avg_attendance_percent"], 0.0);
        let history = class.teacher.get(&format!("/api/teacher/history/{}", class.course)).await.ok();
        assert_eq!(history["sessions"][0]["present_count"], 0);
        let overview = server.admin().await.get("/api/admin/analytics/overview").await.ok();
        assert_eq!(overview["total_attendance_marks"], 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_another_site_is_told_nothing() {
    let server = TestServer::start(arise_testkit::server::Engine::Sqlite).await;
    let class = server.class("CS101", 1).await;
    let by_cookie = server.anyone.cookie(&class.teacher.token());
    for method in [Method::GET, Method::OPTIONS, Method::POST] {
        let request = by_cookie.request(method.clone(), "/api/teacher/start-session");
        let request = request
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "POST")
            .header("content-type", "application/json")
            .body(json!({"course_id": class.course, "duration_minutes": 60}).to_string());
        let answer = Answer::of(request).await;
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{method}");
        assert!(answer.status >= 400, "{method}: {}", answer.status);
        if method == Method::POST {
            answer.refused(403, "other_site");
        }
    }
    class.start().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_request_holds_nothing_up() {
    for_both(async |server| {
        let class = server.class("CS101", 20).await;
        let scanner = server.scanner("A").await;
        let session = class.start().await;
        let admin = server.admin().await;
        let taken = json!({"semester_name": "Semester of CS101"});
        for finger in 1..=20 {
            // A word where minutes belong, a name that is taken, half a body: and a finger right after each.
            class.start_with(json!({"duration_minutes": "ten"})).await.invalid("duration_minutes");
            admin.post("/api/admin/semesters", taken.clone()).await.refused(409, "duplicate_semester_name");
            class
                .teacher
                .post_text("/api/teacher/start-session", "{\"course_id\":")
                .await
                .refused(400, "not_json");
            assert_eq!(scanner.finger(finger).await, "success");
        }
        assert_eq!(class.letters(&session).await, "P".repeat(20));
    })
    .await;
}

#[test]
fn starting_again_deletes_nothing_and_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::File(folder.path().join("arise.db"));
    let clock = Arc::new(TestClock::at(at("2026-03-09T10:00:00+05:30")));
    let kept = |store: &Store| {
        store.read_blocking(|tx| {
            let count = |tx: &mut arise_store::Tx<'_>, sql: &str| tx.query_one(sql, &[])?.get::<i64>(0);
            Ok((count(tx, "SELECT COUNT(*) FROM op")?, count(tx, "SELECT COUNT(*) FROM semester")?))
        })
    };
    let store = Store::open(&location, clock.clone()).unwrap();
    store.write_blocking(|tx| semester::create(tx, "Semester 1").map(|_| ())).unwrap();
    let before = kept(&store).unwrap();
    drop(store);
    clock.advance(DAY);
    for _ in 0..3 {
        let store = Store::open(&location, clock.clone()).unwrap();
        assert_eq!(kept(&store).unwrap(), before);
        // Yesterday's sessions are closed by the clock, whoever was running when they ended.
        assert!(store.read_blocking(arise_store::session::open).unwrap().is_empty());
        assert_eq!(store.read_blocking(tally::check).unwrap(), Vec::<String>::new());
    }
    // The machine's own clock is no different.
    Store::open(&location, Arc::new(SystemClock)).unwrap();
}

/// PPPPPAPPA: the longest streak is 5 and the current one 2; 7 of 9 is 77.78 %.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_numbers_that_were_wrong() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        // Another course's sessions are no part of this student's figures.
        let other = server.class("MA201", 1).await;
        let extra = other.start().await;
        other.end(&extra).await;
        for letter in "PPPPPAPPA".chars() {
            let session = class.start().await;
            let status = if letter == 'P' { "present" } else { "absent" };
            let body = json!({"student_id": class.students[0].id, "status": status});
            class.teacher.post(&format!("/api/teacher/session/{session}/mark"), body).await.ok();
            class.end(&session).await;
            server.advance(15 * MINUTE);
        }
        let student = server.log_in_student(&class.students[0].university_roll_no).await;
        let board = student.get("/api/student/leaderboard").await.ok();
        assert_eq!(board["user_rank"]["total_students"], 2);
        let me = board["leaderboard"]
            .as_array()
            .unwrap()
            .iter()
            .find(|line| line["student_name"] == class.students[0].student_name.as_str())
            .unwrap();
        assert_eq!((&me["longest_streak"], &me["current_streak"]), (&json!(5), &json!(2)));
        assert_eq!((&me["attendance_percentage"], &me["total_sessions"]), (&json!(77.78), &json!(9)));

        // 10 of 16: eight more are needed, not two.
        for letter in "AAAAPPP".chars() {
            let session = class.start().await;
            if letter == 'P' {
                let body = json!({"student_id": class.students[0].id, "status": "present"});
                class.teacher.post(&format!("/api/teacher/session/{session}/mark"), body).await.ok();
            }
            class.end(&session).await;
            server.advance(15 * MINUTE);
        }
        let alerts = student.get("/api/student/critical-alerts").await.ok();
        assert_eq!(alerts["warning_alerts"][0]["classes_needed"], 8, "{alerts}");
    })
    .await;
}
