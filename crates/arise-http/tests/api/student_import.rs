use std::fmt::Write;

use arise_testkit::server::{Answer, Client, Engine, STUDENT_PASSWORD, for_both};
use serde_json::{Value, json};

use crate::{NO_ID, TYPED};

const PATH: &str = "/api/admin/students/bulk-import";

async fn import(client: &Client, more: &[(&str, &str)], file: &[u8]) -> Answer {
    let mut fields = vec![("default_password", STUDENT_PASSWORD)];
    fields.extend(more);
    client.post_form(PATH, &fields, file).await
}

fn counts(answer: &Value) -> (i64, i64, i64) {
    let count = |name: &str| answer[name].as_i64().unwrap();
    (count("added"), count("skipped"), count("total"))
}

/// A list of `number` students whose roll numbers begin with `prefix`.
fn list(prefix: &str, number: usize) -> String {
    let mut csv = "student_name,university_roll_no,enrollment_no,email1,email2\n".to_owned();
    for n in 0..number {
        writeln!(csv, "Student {n},{prefix}{n},E{prefix}{n},s{n}@college.edu.in,").unwrap();
    }
    csv
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_students() {
    for_both(async |server| {
        let admin = server.admin().await;
        let known = server.student("Known").await;
        let csv = format!(
            "\u{feff}Enrollment No,STUDENT_NAME,university roll no\r\nE1,\"Nair, Meera\",UR-1\r\nE2,Again,ur-1\r\n\
             E3,,UR-3\r\n\r\nE4,Known too,{}\r\nen00,Other,UR-5\r\n",
            known.university_roll_no.to_lowercase()
        );

        // A dry run says what would come of it and changes nothing.
        let before = server.records().await;
        let would = import(&admin, &[("dry_run", "1")], csv.as_bytes()).await.ok();
        assert_eq!(server.records().await, before);
        assert_eq!((counts(&would), &would["dry_run"]), ((2, 3, 5), &json!(true)));

        let answer = import(&admin, &[], csv.as_bytes()).await.ok();
        assert_eq!((&answer["status"], counts(&answer)), (&json!("success"), (2, 3, 5)));
        assert_eq!(answer["errors"], would["errors"]);
        let rows: Vec<(i64, &str, &str)> = answer["row_errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| (e["row"].as_i64().unwrap(), e["column"].as_str().unwrap(), e["code"].as_str().unwrap()))
            .collect();
        assert_eq!(rows, [
            (3, "university_roll_no", "duplicate_in_file"),
            (4, "student_name", "invalid_field"),
            (6, "university_roll_no", "duplicate_university_roll_no"),
        ]);
        assert!(answer["errors"][0].as_str().unwrap().starts_with("Row 3, university_roll_no: "));
        server.log_in_student("UR-1").await;

        // The same list again adds nobody.
        let records = server.records().await;
        assert_eq!(counts(&import(&admin, &[], csv.as_bytes()).await.ok()), (0, 5, 5));
        assert_eq!(server.records().await, records);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_typed_into_a_list_comes_back_as_it_is() {
    for_both(async |server| {
        let admin = server.admin().await;
        let mut csv = "name,roll\n".to_owned();
        for (n, typed) in TYPED.iter().enumerate() {
            writeln!(csv, "\"{}\",R{n}", typed.replace('"', "\"\"")).unwrap();
        }
        let answer = import(&admin, &[], csv.as_bytes()).await.ok();
        assert_eq!(answer["added"], TYPED.len(), "{answer}");
        let students = admin.get("/api/admin/students").await.ok();
        assert_eq!(crate::names(&students, "student_name"), TYPED);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_that_are_refused() {
    for_both(async |server| {
        let admin = server.admin().await;
        let before = server.records().await;
        let list = list("X", 3);
        admin.post_form(PATH, &[], list.as_bytes()).await.invalid("default_password");
        admin
            .post_form(PATH, &[("default_password", "short")], list.as_bytes())
            .await
            .invalid("default_password");
        import(&admin, &[], b"name,email\nA,b@c.in\n").await.refused(422, "missing_column");
        import(&admin, &[], &[0xFF, 0, 0x80]).await.refused(400, "not_a_list");
        import(&admin, &[], b"PK\x03\x04...").await.refused(400, "not_a_list");
        import(&admin, &[], &vec![b'x'; 9 * 1024 * 1024]).await.refused(413, "too_large");
        admin.post(PATH, json!({"file": "x"})).await.refused(400, "bad_form");
        let text = admin.request(axum::http::Method::POST, PATH);
        let text = text.header("content-type", "multipart/form-data; boundary=x").body("--x\r\nbroken");
        Answer::of(text).await.refused(400, "bad_form");
        assert_eq!(server.records().await, before);
        admin.get(&format!("/api/admin/imports/{NO_ID}")).await.refused(404, "not_found");
        admin.get("/api/admin/imports/seven").await.refused(404, "not_found");
    })
    .await;
}

/// Ten thousand students (fewer on the engine that is slower here) come in while a class is being marked. Each finger that is answered while the list is
/// still coming in wasn't kept waiting for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_keep_flowing_while_a_long_list_comes_in() {
    for_both(async |server| {
        let class = server.class("CS101", 60).await;
        let session = class.start().await;
        let scanner = server.scanner("A").await;
        let admin = server.admin().await;

        let number: usize = if server.engine == Engine::Sqlite { 10_000 } else { 2_000 };
        let answer = import(&admin, &[("background", "1")], list("L", number).as_bytes()).await.expect(202);
        let progress = answer["progress"].as_str().unwrap();
        let (mut seen, mut meanwhile, mut finger) = (vec![], 0, 1);
        let done = loop {
            let job = admin.get(progress).await.ok();
            seen.push(job["done"].as_i64().unwrap());
            if job["status"] != "running" {
                break job;
            }
            if finger <= 60 {
                scanner.finger(finger).await;
                finger += 1;
            }
            meanwhile += 1;
        };
        assert_eq!(
            (&done["status"], &done["done"], &done["total"]),
            (&json!("done"), &json!(number), &json!(number))
        );
        assert_eq!(
            counts(&done["result"]),
            (i64::try_from(number).unwrap(), 0, i64::try_from(number).unwrap())
        );
        assert!(seen.is_sorted(), "{seen:?}");
        // A mark that had waited for the whole list would have been the only one.
        assert!(meanwhile >= 3, "only {meanwhile} marks were taken meanwhile");
        let marked = class.letters(&session).await.chars().filter(|letter| *letter == 'P').count();
        assert_eq!(marked, usize::try_from(finger - 1).unwrap());
        assert_eq!(
            server.count("SELECT COUNT(*) FROM student WHERE archived = 0", &[]).await,
            60 + i64::try_from(number).unwrap()
        );
        server.log_in_student(&format!("l{}", number - 1)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_list_is_stopped() {
    for_both(async |server| {
        let admin = server.admin().await;
        let number = if server.engine == Engine::Sqlite { 20_000 } else { 5_000 };
        let begun = import(&admin, &[("background", "1")], list("C", number).as_bytes()).await.expect(202);
        let at = begun["progress"].as_str().unwrap();
        assert_eq!(admin.delete(at).await.ok()["status"], "cancelled");
        // Its writer learns of it before its next rows.
        let job = loop {
            let job = admin.get(at).await.ok();
            if job["result"] != Value::Null {
                break job;
            }
        };
        assert_eq!(
            (&job["status"], &job["result"]["code"]),
            (&json!("cancelled"), &json!("import_cancelled"))
        );
        let inside = server.count("SELECT COUNT(*) FROM student", &[]).await;
        assert_eq!(job["done"], inside, "what it says is in is what is in");
        assert!(inside < i64::try_from(number).unwrap());
        assert_eq!(admin.delete(at).await.ok()["status"], "cancelled", "once more is the same");

        // A list that has ended can't be stopped any more.
        let begun = import(&admin, &[("background", "1")], list("D", 1).as_bytes()).await.expect(202);
        let at = begun["progress"].as_str().unwrap();
        while admin.get(at).await.ok()["status"] == "running" {}
        assert_eq!(admin.delete(at).await.ok()["status"], "done");
        admin.delete(&format!("/api/admin/imports/{NO_ID}")).await.refused(404, "not_found");
    })
    .await;
}

/// The job of a list that came in.
async fn imported(admin: &Client, list: &str) -> String {
    let begun = import(admin, &[("background", "1")], list.as_bytes()).await.expect(202);
    let at = begun["progress"].as_str().unwrap().to_owned();
    while admin.get(&at).await.ok()["status"] == "running" {}
    at
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_is_taken_back_but_for_those_with_whom_something_was_done() {
    for_both(async |server| {
        let admin = server.admin().await;
        let class = server.class("CS101", 1).await;
        let at = imported(&admin, &list("W", 230)).await;
        let undo = format!("{at}/undo");
        let students = admin.get("/api/admin/students?q=W&limit=500").await.ok();
        let id = |roll: &str| {
            let found = students.as_array().unwrap().iter().find(|s| s["university_roll_no"] == roll);
            found.unwrap_or_else(|| panic!("{roll}"))["id"].clone()
        };
        let all = admin.get(&undo).await.ok();
        assert_eq!((&all["added"], &all["removed"], &all["kept"]), (&json!(230), &json!(230), &json!([])));

        // One is marked, one enrolled and changed, one chooses a nickname, one is only enrolled, one is deleted.
        let places = json!([
            {"student_id": class.students[0].id, "class_roll_id": 1}, {"student_id": id("W3"), "class_roll_id": 2},
            {"student_id": id("W4"), "class_roll_id": 3},
        ]);
        admin.post(&format!("/api/admin/enrollments/{}", class.course), places).await.ok();
        let session = class.start().await;
        let mark = json!({"student_id": id("W3"), "status": "present", "reason": "was there"});
        class.teacher.post(&format!("/api/teacher/session/{session}/mark"), mark).await.ok();
        class.end(&session).await;
        let path = |roll: &str| format!("/api/admin/students/{}", id(roll).as_str().unwrap());
        admin.put(&path("W5"), json!({"student_name": "Asha Rao"})).await.ok();
        let me = server.log_in_student("W6").await;
        me.put("/api/student/leaderboard", json!({"listed": true, "nickname": "Comet"})).await.ok();
        admin.delete(&path("W7")).await.ok();

        let before = server.records().await;
        let would = admin.get(&undo).await.ok();
        assert_eq!(server.records().await, before);
        let numbers = |account: &Value| {
            ["added", "removed", "marked", "changed", "deleted"].map(|name| account[name].as_i64().unwrap())
        };
        assert_eq!(numbers(&would), [230, 226, 1, 2, 1]);
        let kept: Vec<_> = would["kept"].as_array().unwrap().iter().collect();
        let kept: Vec<_> = kept.iter().map(|one| (one["university_roll_no"].clone(), one["since"].clone())).collect();
        assert_eq!(kept.len(), 3);
        for expected in [("W3", "marked"), ("W5", "changed"), ("W6", "changed")] {
            assert!(kept.contains(&(json!(expected.0), json!(expected.1))), "{kept:?}");
        }

        let done = admin.post(&undo, json!({})).await.ok();
        assert_eq!((&done["status"], numbers(&done)), (&json!("success"), numbers(&would)));
        assert_eq!(done["kept"], would["kept"]);
        let left = admin.get("/api/admin/students?q=W&limit=500").await.ok();
        assert_eq!(left.as_array().unwrap().len(), 3, "{left}");
        assert_eq!(server.read(arise_store::tally::check).await, [""; 0]);
        // Who was only enrolled has left the course, too.
        let roster = admin.get(&format!("/api/admin/enrollments/{}", class.course)).await.ok();
        assert_eq!(roster["enrolled"].as_array().unwrap().len(), 2);
        // A second time there is nothing left to do, and the list can come in again.
        let again = admin.post(&undo, json!({"background": true})).await.expect(202);
        let job = loop {
            let job = admin.get(again["progress"].as_str().unwrap()).await.ok();
            if job["status"] != "running" {
                break job;
            }
        };
        assert_eq!((&job["kind"], &job["status"]), (&json!("students_undone"), &json!("done")));
        assert_eq!(numbers(&job["result"]), [230, 0, 1, 2, 227]);
        assert_eq!(counts(&import(&admin, &[], list("W", 230).as_bytes()).await.ok()), (227, 3, 230));

        let listed = admin.get("/api/admin/imports").await.ok();
        let mut kinds: Vec<_> =
            listed.as_array().unwrap().iter().map(|job| job["kind"].as_str().unwrap()).collect();
        // The clock of tests stands still, so that none is the latest.
        kinds.sort_unstable();
        assert_eq!(kinds, ["students", "students", "students_undone", "students_undone"]);
        let of_undo = format!("/api/admin/imports/{}/undo", again["job_id"].as_str().unwrap());
        admin.get(&of_undo).await.refused(409, "cannot_undo");
        admin.post(&of_undo, json!({})).await.refused(409, "cannot_undo");
        admin.get(&format!("/api/admin/imports/{NO_ID}/undo")).await.refused(404, "not_found");
    })
    .await;
}
