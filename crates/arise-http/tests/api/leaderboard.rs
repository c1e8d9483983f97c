use arise_core::clock::MINUTE;
use arise_testkit::server::{Class, Client, TestServer, for_both};
use serde_json::{Value, json};

use crate::TYPED;

const PATH: &str = "/api/student/leaderboard";

/// Five students; the first attends all five sessions, the last one of them.
async fn taught(server: &TestServer) -> (Class, Vec<Client>) {
    let class = server.class("CS101", 5).await;
    for missing in 0..5 {
        let session = class.start().await;
        for student in class.students.iter().take(5 - missing) {
            let body = json!({"student_id": student.id, "status": "present"});
            class.teacher.post(&format!("/api/teacher/session/{session}/mark"), body).await.ok();
        }
        class.end(&session).await;
        server.advance(15 * MINUTE);
    }
    let mut students = vec![];
    for student in &class.students {
        students.push(server.log_in_student(&student.university_roll_no).await);
    }
    (class, students)
}

/// Ranks and the numbers in the names, of those who are shown.
fn shown(board: &Value, list: &str) -> Vec<(i64, String)> {
    let places = board[list].as_array().unwrap();
    places
        .iter()
        .map(|place| (place["rank"].as_i64().unwrap(), place["student_name"].as_str().unwrap().to_owned()))
        .collect()
}

fn places<const N: usize>(expected: [(i64, &str); N]) -> Vec<(i64, String)> {
    expected.map(|(rank, name)| (rank, name.to_owned())).into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn students_choose_whether_others_see_them() {
    for_both(async |server| {
        let (class, students) = taught(&server).await;
        let third = &class.students[2].student_name;
        // Nobody has chosen: one sees oneself, and where one stands among all.
        let board = students[2].get(PATH).await.ok();
        assert_eq!(
            (&board["mode"], &board["you"]),
            (&json!("opt_in"), &json!({"listed": false, "nickname": null}))
        );
        assert_eq!(shown(&board, "leaderboard"), places([(1, third)]));
        assert_eq!(shown(&board, "neighbours"), places([(1, third)]));
        assert_eq!(
            (&board["user_rank"]["rank"], &board["user_rank"]["total_students"]),
            (&json!(3), &json!(5))
        );

        students[0].put(PATH, json!({"listed": true, "nickname": "Comet"})).await.ok();
        students[4].put(PATH, json!({"listed": true})).await.ok();
        let last = &class.students[4].student_name;
        let board = students[2].get(PATH).await.ok();
        assert_eq!(shown(&board, "leaderboard"), places([(1, "Comet"), (2, third), (3, last)]));
        assert_eq!(shown(&board, "neighbours"), places([(1, "Comet"), (2, third), (3, last)]));
        assert_eq!(board["leaderboard"][0]["attendance_percentage"], 100.0);
        assert_eq!(board["leaderboard"][1]["is_you"], true);
        // Not a word of those who didn't choose to be seen, or of the name behind a nickname.
        for unseen in [0, 1, 3] {
            assert!(!board.to_string().contains(&class.students[unseen].student_name), "{board}");
        }
        let of_course = students[4].get(&format!("{PATH}?course_id={}&limit=1", class.course)).await.ok();
        assert_eq!(shown(&of_course, "leaderboard"), places([(1, "Comet")]));
        assert_eq!(shown(&of_course, "neighbours"), places([(1, "Comet"), (2, last)]));
        assert_eq!(of_course["you"], json!({"listed": true, "nickname": null}));

        // One can change one's mind.
        students[0].put(PATH, json!({"listed": false, "nickname": null})).await.ok();
        let board = students[4].get(PATH).await.ok();
        assert_eq!(shown(&board, "leaderboard"), places([(1, last)]));
        let trail = server.admin().await.get("/api/admin/audit").await.ok();
        let entries = trail["entries"].as_array().unwrap();
        let hid = entries.iter().find(|entry| entry["new"]["leaderboard"] == "hidden").unwrap();
        assert_eq!(
            (&hid["actor_role"], &hid["entity_id"]),
            (&json!("student"), &json!(class.students[0].id))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_institution_may_show_everybody_or_nobody() {
    for_both(async |server| {
        let (class, students) = taught(&server).await;
        let admin = server.admin().await;
        let names: Vec<&str> = class.students.iter().map(|student| student.student_name.as_str()).collect();
        admin.post("/api/admin/config", json!({"leaderboard": "everybody"})).await.ok();
        let board = students[3].get(PATH).await.ok();
        assert_eq!((&board["mode"], &board["you"]["listed"]), (&json!("everybody"), &json!(true)));
        let all = places([(1, names[0]), (2, names[1]), (3, names[2]), (4, names[3]), (5, names[4])]);
        assert_eq!(shown(&board, "leaderboard"), all);
        assert_eq!(shown(&board, "neighbours"), all[1..]);
        // Whoever doesn't want to be seen isn't.
        students[1].put(PATH, json!({"listed": false})).await.ok();
        let board = students[3].get(PATH).await.ok();
        assert_eq!(
            shown(&board, "leaderboard"),
            places([(1, names[0]), (2, names[2]), (3, names[3]), (4, names[4])])
        );
        assert_eq!(
            shown(&board, "neighbours"),
            places([(1, names[0]), (2, names[2]), (3, names[3]), (4, names[4])])
        );
        assert_eq!(board["user_rank"]["rank"], 4);
        assert_eq!(students[1].get(PATH).await.ok()["you"]["listed"], false);

        admin.post("/api/admin/config", json!({"leaderboard": "off"})).await.ok();
        let board = students[3].get(PATH).await.ok();
        assert_eq!(
            (&board["mode"], &board["leaderboard"], &board["neighbours"]),
            (&json!("off"), &json!([]), &json!([]))
        );
        assert_eq!(
            (&board["user_rank"]["rank"], &board["user_rank"]["total_students"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(board["user_stats"]["present_count"], 2);
        admin.post("/api/admin/config", json!({"leaderboard": "some"})).await.invalid("leaderboard");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nicknames_belong_to_one_and_come_back_as_typed() {
    for_both(async |server| {
        let class = server.class("CS101", 2).await;
        let me = server.log_in_student(&class.students[0].university_roll_no).await;
        let other = server.log_in_student(&class.students[1].university_roll_no).await;
        for typed in TYPED.iter().filter(|typed| typed.chars().count() <= 30) {
            me.put(PATH, json!({"listed": true, "nickname": typed})).await.ok();
            let board = other.get(PATH).await.ok();
            assert_eq!(me.get(PATH).await.ok()["you"]["nickname"], *typed);
            assert!(shown(&board, "leaderboard").iter().any(|(_, name)| name == typed), "{board}");
        }
        me.put(PATH, json!({"listed": true, "nickname": " Comet "})).await.ok();
        for taken in ["comet", class.students[0].student_name.as_str()] {
            other
                .put(PATH, json!({"listed": true, "nickname": taken}))
                .await
                .refused(409, "duplicate_nickname");
        }
        // Their own name, and what they have already, is no one else's.
        me.put(PATH, json!({"listed": true, "nickname": "COMET"})).await.ok();
        other.put(PATH, json!({"listed": true, "nickname": class.students[1].student_name})).await.ok();
        other.put(PATH, json!({"listed": true, "nickname": "x".repeat(31)})).await.invalid("nickname");
        other.put(PATH, json!({"listed": true, "nickname": "a\u{0}b"})).await.invalid("nickname");
        other.put(PATH, json!({"nickname": "a"})).await.invalid("listed");
        // An administrator who changes the student leaves the choice.
        let path = format!("/api/admin/students/{}", class.students[0].id);
        server.admin().await.put(&path, json!({"student_name": "New"})).await.ok();
        assert_eq!(me.get(PATH).await.ok()["you"], json!({"listed": true, "nickname": "COMET"}));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_finds_a_nickname_and_takes_it_away() {
    for_both(async |server| {
        let class = server.class("CS101", 2).await;
        let [me, other] = [&class.students[0], &class.students[1]];
        let student = server.log_in_student(&me.university_roll_no).await;
        student.put(PATH, json!({"listed": true, "nickname": "Rude Word"})).await.ok();
        let admin = server.admin().await;
        let found = admin.get("/api/admin/students?q=rude").await.ok();
        assert_eq!((found.as_array().unwrap().len(), &found[0]["id"]), (1, &json!(me.id)));
        let standing = format!("/api/admin/analytics/student/{}", me.id);
        assert_eq!(admin.get(&standing).await.ok()["student"]["nickname"], "Rude Word");

        let path = format!("/api/admin/students/{}/nickname", me.id);
        student.delete(&path).await.refused(403, "wrong_role");
        admin.delete(&path).await.ok();
        assert_eq!(admin.get(&standing).await.ok()["student"]["nickname"], "");
        // Others see the name now: that they see the student was the student's choice.
        assert_eq!(student.get(PATH).await.ok()["you"], json!({"listed": true, "nickname": null}));
        let board = server.log_in_student(&other.university_roll_no).await.get(PATH).await.ok();
        assert!(
            board.to_string().contains(&me.student_name) && !board.to_string().contains("Rude"),
            "{board}"
        );
        let before = server.records().await;
        admin.delete(&path).await.ok();
        admin.delete(&format!("/api/admin/students/{}/nickname", other.id)).await.ok();
        assert_eq!(server.records().await, before, "there is nothing left to take");
        admin
            .delete(&format!("/api/admin/students/{}/nickname", crate::NO_ID))
            .await
            .refused(404, "not_found");
    })
    .await;
}
