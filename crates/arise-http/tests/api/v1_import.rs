use std::path::Path;

use arise_core::clock::HOUR;
use arise_store::{sync, tally};
use arise_testkit::older_system::OlderSystem;
use arise_testkit::server::{Answer, Client, TestServer, for_both};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::names;

const PATH: &str = "/api/admin/import/arise-v1";

/// A file of the older system, made by `fill`.
fn file(fill: impl FnOnce(&Path)) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("attendance.db");
    fill(&path);
    std::fs::read(path).unwrap()
}

fn college() -> Vec<u8> {
    file(|path| drop(OlderSystem::college(path)))
}

/// The same with something done to it.
fn college_with(sql: &str) -> Vec<u8> {
    file(|path| OlderSystem::college(path).sql(sql))
}

async fn import(client: &Client, file: &[u8]) -> Answer {
    client.post_form(PATH, &[], file).await
}

/// What became of a table's rows: read, added, changed, unchanged, recognised, duplicates, left out, waiting.
fn counts(answer: &Value, table: &str) -> [i64; 8] {
    ["read", "added", "changed", "unchanged", "recognised", "duplicates", "left_out", "waiting"]
        .map(|name| answer["tables"][table][name].as_i64().unwrap())
}

fn balances(answer: &Value) {
    for (table, count) in answer["tables"].as_object().unwrap() {
        let all = counts(answer, table);
        assert_eq!(all[0], all[1..].iter().sum::<i64>(), "{table}: {count}");
    }
}

/// The column and row of every problem of a table.
fn problems<'a>(answer: &'a Value, table: &str) -> Vec<(i64, &'a str)> {
    let mut problems: Vec<(i64, &str)> = answer["problems"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|problem| problem["table"] == table)
        .map(|problem| (problem["id"].as_i64().unwrap(), problem["column"].as_str().unwrap()))
        .collect();
    problems.sort_unstable();
    problems
}

fn id_of(rows: &Value, field: &str, value: &str) -> String {
    let row = rows.as_array().unwrap().iter().find(|row| row[field] == value);
    row.unwrap_or_else(|| panic!("no {value} in {rows}"))["id"].as_str().unwrap().to_owned()
}

async fn consistent(server: &TestServer) {
    assert_eq!(server.read(tally::check).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_of_an_older_college_goes_somewhere() {
    for_both(async |server| {
        let admin = server.admin().await;
        let file = college();
        let before = server.records().await;
        let would = admin.post_form(&format!("{PATH}?dry_run=1"), &[], &file).await.ok();
        assert_eq!((server.records().await, &would["dry_run"]), (before, &json!(true)));

        let answer = import(&admin, &file).await.ok();
        for (table, expected) in [
            ("semesters", [2, 2, 0, 0, 0, 0, 0, 0]),
            ("teachers", [2, 2, 0, 0, 0, 0, 0, 0]),
            ("students", [4, 4, 0, 0, 0, 0, 0, 0]),
            ("courses", [3, 3, 0, 0, 0, 0, 0, 0]),
            ("enrollments", [6, 4, 0, 0, 0, 0, 2, 0]),
            ("sessions", [8, 5, 0, 0, 0, 0, 2, 1]),
            ("attendance_records", [21, 13, 0, 0, 0, 3, 4, 1]),
            ("admins", [2, 1, 0, 1, 0, 0, 0, 0]),
            ("system_settings", [2, 1, 0, 0, 0, 0, 1, 0]),
        ] {
            assert_eq!(counts(&answer, table), expected, "{table}");
        }
        balances(&answer);
        assert_eq!((&would["tables"], &would["problems"]), (&answer["tables"], &answer["problems"]));

        assert_eq!(problems(&answer, "students"), [(3, "email1"), (3, "password")]);
        assert_eq!(problems(&answer, "teachers"), [(2, "teacher_code")]);
        assert_eq!(problems(&answer, "courses"), [(2, "teacher_id"), (3, "semester_id"), (3, "teacher_id")]);
        assert_eq!(
            problems(&answer, "sessions"),
            [(4, "course_id"), (5, "start_time"), (6, "end_time"), (7, "end_time")]
        );
        assert_eq!(
            problems(&answer, "attendance_records"),
            [
                (12, "student_id"),
                (15, "student_id"),
                (17, "timestamp"),
                (18, "override_method"),
                (999, "session_id"),
            ]
        );

        // What was typed is unescaped once.
        let students = admin.get("/api/admin/students").await.ok();
        assert_eq!(names(&students, "student_name"), ["Asha", "<b>Zoë</b>", "Plain", "Nowhere"]);
        let teachers = admin.get("/api/admin/teachers").await.ok();
        assert_eq!(names(&teachers, "teacher_name"), ["Dr. O'Neill", "No Code"]);
        assert_eq!(
            names(&admin.get("/api/admin/semesters").await.ok(), "semester_name"),
            ["Semester 1", "Two & a half"]
        );
        assert_eq!(admin.get("/api/admin/config").await.ok()["batch_name"], "Batch of 2026");
        consistent(&server).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_methods_and_duplicates_of_the_older_system() {
    for_both(async |server| {
        let admin = server.admin().await;
        import(&admin, &college()).await.ok();
        // Both kinds of hashes still log in, and are made anew by that.
        let teacher = server.log_in("/api/teacher/login", json!({"teacher_code": "T1", "pin": "123456"})).await;
        for roll in ["UR1", "UR2"] {
            let body = json!({"university_roll_no": roll, "password": "123456"});
            server.log_in("/api/student/login", body).await;
        }
        let plain = json!({"university_roll_no": "UR3", "password": "hunter2"});
        server.anyone.post("/api/student/login", plain).await.refused(401, "wrong_login");

        let course = id_of(&admin.get("/api/admin/courses").await.ok(), "course_code", "CS101");
        let report = teacher.get(&format!("/api/teacher/report/{course}")).await.ok();
        let sessions: Vec<(&str, &str, &str)> = report["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| (s["start_time"].as_str().unwrap(), s["end_time"].as_str().unwrap(), s["topic"].as_str().unwrap()))
            .collect();
        assert_eq!(sessions, [
            ("2025-09-29T11:12:59+05:30", "2025-09-29T12:12:59+05:30", "Trees & graphs"),
            ("2026-03-05T10:00:00+05:30", "2026-03-05T11:00:00+05:30", ""),
            ("2026-03-05T11:00:00+05:30", "2026-03-05T11:00:05+05:30", ""),
            ("2026-03-06T10:00:00+05:30", "2026-03-06T11:00:00+05:30", ""),
            ("2026-03-07T09:00:00+05:30", "2026-03-07T10:00:00+05:30", ""),
        ]);
        // Nothing is open, whatever is_active said.
        assert_eq!(server.count("SELECT COUNT(*) FROM session WHERE closes_at > 1773030600000", &[]).await, 0);

        // Students by class roll, sessions in their order.
        let letters = |roll: &str| {
            let student = id_of(&report["students"], "university_roll_no", roll);
            let of = |session: &Value| {
                let cells = report["cells"].as_array().unwrap();
                let cell = cells.iter().find(|cell| cell[0] == session["id"] && cell[1] == *student.as_str());
                cell.map_or("–".to_owned(), |cell| cell[2].as_str().unwrap().to_owned())
            };
            report["sessions"].as_array().unwrap().iter().map(of).collect::<String>()
        };
        assert_eq!(letters("UR1"), "PPAAP", "absent where the last word was");
        assert_eq!(letters("UR2"), "PPAPP");
        assert_eq!(letters("UR3"), "APAPP", "present where the last word was");

        let ids: Vec<&str> =
            report["sessions"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap()).collect();
        let methods = async |session: usize| {
            let detail = teacher.get(&format!("/api/teacher/session-detail/{}", ids[session])).await.ok();
            let mut rows: Vec<(String, String, String)> = vec![];
            for list in ["present_students", "absent_students"] {
                for row in detail[list].as_array().unwrap() {
                    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
                    rows.push((text("university_roll_no"), text("method"), text("reason")));
                }
            }
            rows.sort();
            rows
        };
        let row = |roll: &str, method: &str, reason: &str| (roll.to_owned(), method.to_owned(), reason.to_owned());
        let first = methods(0).await;
        assert!(first.contains(&row("UR3", "emergency", "power cut")), "{first:?}");
        let second = methods(1).await;
        assert!(second.contains(&row("UR2", "teacher", "finger & scanner")), "{second:?}");
        let fourth = methods(3).await;
        assert!(fourth.contains(&row("UR2", "correction", "was ill")), "{fourth:?}");

        // When each mark was made, in UTC, by the older row's own way of writing it.
        let at = async |roll: &str, session: usize| {
            let sql = "SELECT observed_at FROM attendance a JOIN student s ON s.id = a.student_id \
                       JOIN session e ON e.id = a.session_id WHERE s.university_roll_no = ?1 AND e.starts_at = ?2";
            let starts = arise_testkit::server::at(sessions[session].0);
            // The fraction of a second isn't in the answer's text.
            let starts = if session == 3 { starts + 476 } else { starts };
            let observed = server.count(sql, &[roll.into(), starts.into()]).await;
            server.app.zone().iso(observed)
        };
        assert_eq!(at("UR1", 0).await, "2025-09-29T11:20:00+05:30");
        assert_eq!(at("UR2", 0).await, "2025-09-29T11:20:00+05:30");
        assert_eq!(at("UR1", 1).await, "2026-03-05T10:10:00+05:30");
        assert_eq!(at("UR2", 3).await, "2026-03-08T09:00:00+05:30");
        assert_eq!(at("UR1", 4).await, "2026-03-07T09:00:00+05:30");
        assert_eq!(server.count("SELECT COUNT(*) FROM attendance WHERE source = 'import'", &[]).await, 1);

        // Its administrator gets in once, to choose a password.
        let office = server.log_in("/api/admin/login", json!({"username": "office", "password": "123456"})).await;
        office.get("/api/admin/students").await.refused(403, "password_change_needed");
        consistent(&server).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_import_adds_what_is_new_and_replaces_nothing() {
    for_both(async |server| {
        let admin = server.admin().await;
        import(&admin, &college()).await.ok();
        let records = server.records().await;
        let again = import(&admin, &college()).await.ok();
        assert_eq!(server.records().await, records);
        balances(&again);
        assert_eq!(counts(&again, "attendance_records"), [21, 0, 0, 13, 0, 3, 4, 1]);

        // What arise changed meanwhile stays; what the older server changed comes in beside it.
        let students = admin.get("/api/admin/students").await.ok();
        let (asha, plain) =
            (id_of(&students, "student_name", "Asha"), id_of(&students, "student_name", "Plain"));
        let nowhere = id_of(&students, "student_name", "Nowhere");
        admin.put(&format!("/api/admin/students/{asha}"), json!({"student_name": "Asha Rao"})).await.ok();
        admin.delete(&format!("/api/admin/students/{nowhere}")).await.ok();
        server.advance(HOUR);
        let later = college_with(
            "UPDATE students SET student_name = 'Less Plain' WHERE id = 3;
             INSERT INTO students VALUES (5, 'UR5', 'EN5', 'New', NULL, '', '');
             INSERT INTO enrollments VALUES (5, 1, 5);
             INSERT INTO attendance_records VALUES (22, 7, 5, '2026-03-09 04:10:00', 'biometric', NULL);",
        );
        let answer = import(&admin, &later).await.ok();
        assert_eq!(counts(&answer, "students"), [5, 1, 1, 3, 0, 0, 0, 0]);
        // The session that was going on is over now.
        assert_eq!(counts(&answer, "sessions"), [8, 1, 0, 5, 0, 0, 2, 0]);
        assert_eq!(counts(&answer, "attendance_records"), [22, 2, 0, 13, 0, 3, 4, 0]);
        let students = admin.get("/api/admin/students").await.ok();
        assert_eq!(names(&students, "student_name"), ["Asha Rao", "<b>Zoë</b>", "Less Plain", "New"]);
        assert_eq!(id_of(&students, "student_name", "Less Plain"), plain);
        // Who joined later isn't absent before.
        let new = id_of(&students, "student_name", "New");
        let overall = admin.get(&format!("/api/admin/analytics/student/{new}")).await.ok();
        assert_eq!((&overall["total_present"], &overall["total_possible"]), (&json!(1), &json!(1)));
        consistent(&server).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_arise_has_already_are_recognised() {
    for_both(async |server| {
        let admin = server.admin().await;
        let body = json!({"student_name": "ASHA", "university_roll_no": "ur1", "password": "another one"});
        admin.post("/api/admin/students", body).await.expect(201);
        // The same number and another name may be a typing error.
        let body =
            json!({"student_name": "Somebody else", "university_roll_no": "UR3", "password": "another one"});
        admin.post("/api/admin/students", body).await.expect(201);
        let answer = import(&admin, &college()).await.ok();
        assert_eq!(counts(&answer, "students"), [4, 3, 0, 0, 1, 0, 0, 0]);
        assert_eq!(admin.get("/api/admin/students").await.ok().as_array().unwrap().len(), 5);
        // Their marks are those of the one who was here, whose password stays.
        let student = server
            .log_in("/api/student/login", json!({"university_roll_no": "UR1", "password": "another one"}))
            .await;
        assert_eq!(student.get("/api/student/dashboard").await.ok()["courses"][0]["present_count"], 3);

        let records = server.records().await;
        assert_eq!(counts(&import(&admin, &college()).await.ok(), "students"), [4, 0, 0, 4, 0, 0, 0, 0]);
        assert_eq!(server.records().await, records);

        // Another server's copy of the same sessions brings nothing twice.
        let copy = admin.post_form(PATH, &[("node", "Room 2")], &college()).await.ok();
        assert_eq!(counts(&copy, "courses"), [3, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(counts(&copy, "sessions"), [8, 0, 0, 0, 5, 0, 2, 1]);
        assert_eq!(server.count("SELECT COUNT(*) FROM session", &[]).await, 5);
        consistent(&server).await;

        // And another college under a known name is refused.
        let other =
            college_with("UPDATE students SET student_name = 'X' || id, university_roll_no = 'X' || id");
        import(&admin, &other).await.refused(409, "another_server");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_files_change_nothing() {
    for_both(async |server| {
        let admin = server.admin().await;
        let good = college();
        let before = (server.records().await, server.count("SELECT COUNT(*) FROM admin", &[]).await);

        let truncated = good[..good.len() - 5_000].to_vec();
        let mut headless = good.clone();
        headless[100..140].fill(0xAA);
        let foreign = file(|path| {
            OlderSystem::empty(path).sql("DROP TABLE students; CREATE TABLE invoices (id INTEGER)");
        });
        let mut hostile = vec![
            ("nothing", vec![]),
            ("text", b"student_name,university_roll_no\n".to_vec()),
            ("a header alone", b"SQLite format 3\0".to_vec()),
            (
                "noise",
                (0..50_000_u32).map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).unwrap()).collect(),
            ),
            ("half of it", truncated),
            ("a broken first page", headless),
            ("another program's", foreign),
        ];
        for (name, sql) in [
            ("a trigger", "CREATE TRIGGER t AFTER INSERT ON students BEGIN DELETE FROM students; END"),
            ("a view", "ALTER TABLE students RENAME TO s2; CREATE VIEW students AS SELECT * FROM s2"),
            ("a virtual table", "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING fts5(a)')"),
            (
                "a computed column",
                "ALTER TABLE students ADD COLUMN g TEXT GENERATED ALWAYS AS (upper(student_name))",
            ),
            ("a missing column", "ALTER TABLE sessions DROP COLUMN end_time"),
            ("a name of bytes", "UPDATE students SET student_name = x'00ff' WHERE id = 2"),
            ("an id of text", "UPDATE attendance_records SET student_id = 'seven' WHERE id = 2"),
            ("an id of a fraction", "UPDATE enrollments SET course_id = 1.5 WHERE student_id = 2"),
            ("text that isn't UTF-8", "UPDATE students SET student_name = CAST(x'ff' AS TEXT) WHERE id = 2"),
            ("a cell of megabytes", "UPDATE students SET student_name = hex(zeroblob(1000000)) WHERE id = 2"),
        ] {
            hostile.push((name, college_with(sql)));
        }
        for (name, file) in &hostile {
            let answer = import(&admin, file).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (400, "not_arise_v1"),
                "{name}: {}",
                answer.text()
            );
        }

        // Any bit may be wrong: the answer is a refusal or an account that balances, never a fault.
        let mut refused = 0;
        for step in 0..60 {
            let mut flipped = good.clone();
            let place = step * good.len() / 60 + 17;
            flipped[place] ^= 1 << (step % 8);
            let answer = admin.post_form(&format!("{PATH}?dry_run=1"), &[], &flipped).await;
            match answer.status {
                200 => balances(&answer.json()),
                status => {
                    assert_eq!((status, answer.code().as_str()), (400, "not_arise_v1"), "{}", answer.text());
                    refused += 1;
                }
            }
        }
        assert!(refused > 0);

        admin.post(PATH, json!({})).await.refused(400, "bad_form");
        let after = (server.records().await, server.count("SELECT COUNT(*) FROM admin", &[]).await);
        assert_eq!(after, before);
        // It was the file: the good one comes in.
        import(&admin, &good).await.ok();
    })
    .await;
}

/// A gigabyte is refused before it is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gigabyte_is_refused_at_once() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = TestServer::start(arise_testkit::server::Engine::Sqlite).await;
    let admin = server.admin().await;
    let address = admin.url().strip_prefix("http://").unwrap().to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1073741824\r\n\r\n",
        admin.token()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Some of it is read, so that a browser gets to see the answer; then no more.
    let some = vec![b'x'; 1 << 20];
    for _ in 0..9 {
        if stream.write_all(&some).await.is_err() {
            break;
        }
    }
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 413");
}

/// A college of some size comes in while its new server is in use, and figures agree with the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_comes_in_by_short_writes() {
    for_both(async |server| {
        let admin = server.admin().await;
        let class = server.class("LIVE", 30).await;
        let session = class.start().await;
        let scanner = server.scanner("A").await;
        let file = file(|path| drop(OlderSystem::large(path, 60, 4, 30)));
        let answer = admin.post_form(PATH, &[("background", "1")], &file).await.expect(202);
        let progress = answer["progress"].as_str().unwrap();
        let mut finger = 1;
        let done = loop {
            let job = admin.get(progress).await.ok();
            if job["status"] != "running" {
                break job;
            }
            if finger <= 30 {
                scanner.finger(finger).await;
                finger += 1;
            }
        };
        assert_eq!(done["status"], "done", "{done}");
        assert!(finger > 5, "only {finger} marks were taken meanwhile");
        assert!(class.letters(&session).await.starts_with("PPPP"));
        balances(&done["result"]);
        assert_eq!(counts(&done["result"], "attendance_records")[1], 60 * 4 * 30 * 3 / 4);
        assert_eq!(counts(&done["result"], "sessions")[..2], [120, 120]);

        let overview = admin.get("/api/admin/analytics/overview").await.ok();
        assert_eq!(
            (&overview["total_sessions"], &overview["total_attendance_marks"]),
            (&json!(120), &json!(5_400))
        );
        assert_eq!(overview["overall_attendance_rate"], 75.0);
        consistent(&server).await;
    })
    .await;
}

/// What came in from a file reaches other nodes like everything else: numbered, and each after what it needs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_in_is_sent_on() {
    for_both(async |server| {
        let admin = server.admin().await;
        let body = json!({"student_name": "Asha", "university_roll_no": "UR1", "password": "another one"});
        admin.post("/api/admin/students", body).await.expect(201);
        let number = async || {
            server
                .store()
                .write(|tx| {
                    let mut numbering = sync::Numbering::begin(tx)?;
                    while !numbering.own(1_000)? {}
                    numbering.end()
                })
                .await
                .unwrap();
        };
        // Once before anything was numbered, and once after.
        import(&admin, &college()).await.ok();
        number().await;
        server.advance(HOUR);
        let later = college_with(
            "UPDATE students SET student_name = 'Less Plain' WHERE id = 3;
             INSERT INTO students VALUES (5, 'UR5', 'EN5', 'New', NULL, '', '');
             INSERT INTO enrollments VALUES (5, 1, 5);
             INSERT INTO attendance_records VALUES (22, 7, 5, '2026-03-09 03:55:00', 'biometric', NULL);",
        );
        import(&admin, &later).await.ok();
        number().await;
        assert_eq!(server.count("SELECT COUNT(*) FROM op WHERE gsn IS NULL OR gsn < 0", &[]).await, 0);

        let records = server.read(|tx| sync::after(tx, 0, 100_000, usize::MAX)).await;
        let other = TestServer::start(server.engine).await;
        other
            .store()
            .write(move |tx| {
                let mut numbering = sync::Numbering::begin(tx)?;
                let records: Vec<sync::Record> = records.into_iter().map(|(record, _)| record).collect();
                let mut taken = 0;
                while taken < records.len() {
                    let (more, refused) = numbering.take(arise_core::NodeId::new(1), &records[taken..])?;
                    assert_eq!(refused, []);
                    taken += more;
                }
                numbering.end()
            })
            .await
            .unwrap();
        for table in ["student", "course", "enrolment", "session", "attendance"] {
            let sql = format!("SELECT COUNT(*) FROM {table}");
            assert_eq!(other.count(&sql, &[]).await, server.count(&sql, &[]).await, "{table}");
        }
        consistent(&other).await;
    })
    .await;
}
