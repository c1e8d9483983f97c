//! Online classes.

use arise_core::clock::{MINUTE, SECOND};
use arise_http::{Config, NodeType};
use arise_testkit::server::Method;
use arise_testkit::server::{Answer, Class, Client, Engine, TestServer, for_both, for_both_hubs, hub};
use serde_json::{Value, json};

use crate::TYPED;

const MARK: &str = "/api/online/mark-attendance";

/// An online class that is running.
struct Online {
    class: Class,
    session: String,
    token: String,
}

impl Online {
    async fn start(server: &TestServer, students: usize) -> Self {
        let class = server.class("CS101", students).await;
        let body = json!({"course_id": class.course, "duration_minutes": 60, "topic": "Trees"});
        let started = class.teacher.post("/api/teacher/start-online-session", body).await.ok();
        let word = |name: &str| started[name].as_str().unwrap().to_owned();
        Self { session: word("session_id"), token: word("session_token"), class }
    }

    fn roll(&self, student: usize) -> &str {
        &self.class.students[student].university_roll_no
    }

    async fn status(&self) -> Value {
        let path = format!("/api/teacher/session/{}/online-status", self.session);
        self.class.teacher.get(&path).await.ok()
    }

    async fn code(&self) -> String {
        self.status().await["current_otp"].as_str().unwrap().to_owned()
    }

    /// A code that is neither shown now nor was lately.
    async fn wrong_code(&self) -> String {
        let right: u32 = self.code().await.parse().unwrap();
        format!("{:06}", (right + 500_000) % 1_000_000)
    }

    async fn mark(&self, caller: &Client, student: usize, code: &str) -> Answer {
        self.mark_as(caller, self.roll(student), code).await
    }

    async fn mark_as(&self, caller: &Client, roll: &str, code: &str) -> Answer {
        let body = json!({"token": self.token, "university_roll_no": roll, "otp": code});
        caller.post(MARK, body).await
    }

    /// From an address, as the proxy in front tells it, and with the cookies a browser has.
    async fn mark_from(&self, server: &TestServer, student: usize, address: &str, cookie: &str) -> Answer {
        let body =
            json!({"token": self.token, "university_roll_no": self.roll(student), "otp": self.code().await});
        let request = server.anyone.request(Method::POST, MARK).json(&body);
        Answer::of(request.header("x-forwarded-for", address).header("cookie", cookie)).await
    }

    async fn flags(&self) -> Vec<(String, usize)> {
        let status = self.status().await;
        let flags = status["flags"].as_array().unwrap();
        flags
            .iter()
            .map(|flag| {
                (flag["kind"].as_str().unwrap().to_owned(), flag["students"].as_array().unwrap().len())
            })
            .collect()
    }

    fn page(&self) -> String {
        format!("/online/{}", self.token)
    }
}

/// `name=value` of a cookie that an answer sets.
fn set_cookie(answer: &Answer, name: &str) -> Option<String> {
    let all = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let found = all.filter_map(|cookie| cookie.split(';').next()).find(|pair| pair.starts_with(name));
    found.map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_class_marks_itself_by_code() {
    for_both_hubs(async |server| {
        let online = Online::start(&server, 3).await;
        assert_eq!(online.token.len(), 26);
        let path = format!("/api/teacher/session/{}/live", online.session);
        let mut live = online.class.teacher.live(&path, None).await;
        assert_eq!(live.expect("snapshot").await.data["session"]["session_type"], "online");

        let code = online.code().await;
        let marked = online.mark(&server.anyone, 0, &code).await.ok();
        assert_eq!(
            (&marked["status"], &marked["student_name"]),
            (&json!("success"), &json!("Student 1 of CS101"))
        );
        let event = live.until("mark").await.data;
        assert_eq!((&event["status"], &event["source"]), (&json!("present"), &json!("code")));
        assert_eq!(event["university_roll_no"], json!(online.roll(0)));

        // Once each, whatever the case of the roll number; a gap in the code does no harm.
        let spaced = format!(" {} {} ", &code[..3], &code[3..]);
        let again = online.mark_as(&server.anyone, &online.roll(0).to_lowercase(), &spaced).await.ok();
        assert_eq!(again["status"], "duplicate");
        let student = online.class.students[0].id;
        assert_eq!(server.records_of(&online.session, student).await, 1);

        // From ten minutes on, late.
        server.advance(10 * MINUTE);
        let late = online.mark(&server.anyone, 1, &online.code().await).await.ok();
        assert!(late["message"].as_str().unwrap().contains("late"), "{late}");
        let status = online.status().await;
        assert_eq!((&status["marked_count"], &status["total_students"]), (&json!(2), &json!(3)));
        assert_eq!(status["marked_students"][1]["status"], "late");
        assert_eq!(status["all_students"].as_array().unwrap().len(), 3);
        assert_eq!(online.class.letters(&online.session).await, "PL–");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_holds_for_its_step_and_the_next() {
    for_both_hubs(async |server| {
        let online = Online::start(&server, 4).await;
        let first = online.code().await;
        assert_eq!(online.status().await["otp_time_remaining"], 30);
        server.advance(29 * SECOND);
        assert_eq!(
            (online.code().await, &online.status().await["otp_time_remaining"]),
            (first.clone(), &json!(1))
        );
        server.advance(SECOND);
        let second = online.code().await;
        assert_ne!(second, first);
        online.mark(&server.anyone, 0, &first).await.ok();
        online.mark(&server.anyone, 1, &second).await.ok();
        server.advance(30 * SECOND);
        online.mark(&server.anyone, 2, &first).await.refused(403, "code_expired");
        online.mark(&server.anyone, 2, &second).await.ok();
        server.advance(6 * MINUTE);
        online.mark(&server.anyone, 3, &second).await.refused(403, "wrong_code");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_device_of_the_teacher_shows_the_same() {
    for_both_hubs(async |server| {
        let online = Online::start(&server, 1).await;
        let second = server.log_in_teacher(&online.class.taught_by).await;
        let path = format!("/api/teacher/session/{}/online-status", online.session);
        let (here, there) = (online.status().await, second.get(&path).await.ok());
        assert_eq!(here, there);
        assert_eq!(here["session_token"], json!(online.token));
        let url = here["session_url"].as_str().unwrap();
        assert_eq!(url, format!("{}/online/{}", server.anyone.url(), online.token));
        let otp = format!("/api/online/session/{}/otp", online.token);
        assert_eq!(second.get(&otp).await.ok()["otp"], here["current_otp"]);
        // The course has its class already; the answer says which.
        let again = json!({"course_id": online.class.course, "topic": ""});
        let refused =
            second.post("/api/teacher/start-online-session", again).await.refused(409, "session_open");
        assert_eq!(refused["session_id"], json!(online.session));

        let other = server.class("MA201", 1).await.teacher;
        other.get(&path).await.refused(403, "not_your_course");
        other.get(&otp).await.refused(403, "not_your_course");
        server.anyone.get(&otp).await.refused(401, "not_logged_in");
        let offline =
            online.class.start_with(json!({"course_id": server.class("PH301", 1).await.course})).await;
        offline.refused(403, "not_your_course");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_not_in_the_records() {
    for_both_hubs(async |server| {
        let online = Online::start(&server, 1).await;
        online.mark(&server.anyone, 0, &online.code().await).await.ok();
        let token = online.token.clone();
        let bodies: Vec<String> = server
            .read(|tx| tx.query("SELECT body FROM op", &[])?.iter().map(|row| row.get(0)).collect())
            .await;
        assert!(bodies.len() > 5);
        assert!(!bodies.iter().any(|body| body.contains(&token) || body.contains("otp_seed")));
        let audit = server.admin().await.get("/api/admin/audit").await.ok().to_string();
        assert!(!audit.contains(&token));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_is_enrolled() {
    for_both_hubs(async |server| {
        let online = Online::start(&server, 1).await;
        let stranger = server.student("Stranger").await;
        let (right, wrong) = (online.code().await, online.wrong_code().await);
        for roll in [stranger.university_roll_no.as_str(), "nobody", "", "%"] {
            // The same with a right and a wrong code: who isn't enrolled can't find codes out.
            online.mark_as(&server.anyone, roll, &right).await.refused(403, "not_enrolled");
            online.mark_as(&server.anyone, roll, &wrong).await.refused(403, "not_enrolled");
        }
        for code in ["", "000", "\u{0}", "１２３４５６", &format!("{right}1")] {
            online.mark(&server.anyone, 0, code).await.refused(403, "wrong_code");
        }
        let body = json!({"token": "nothing", "university_roll_no": online.roll(0), "otp": right});
        server.anyone.post(MARK, body).await.refused(404, "not_found");
        let body = json!({"token": "x".repeat(5_000), "university_roll_no": online.roll(0), "otp": right});
        server.anyone.post(MARK, body).await.refused(404, "not_found");
        server.anyone.post(MARK, json!({"otp": right})).await.invalid("token");
        assert_eq!(online.class.letters(&online.session).await, "–");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_codes_are_counted_by_student_and_never_by_address() {
    for_both_hubs(async |server| {
        let online = Online::start(&server, 60).await;
        let wrong = online.wrong_code().await;
        for _ in 0..6 {
            online.mark(&server.anyone, 0, &wrong).await.refused(403, "wrong_code");
        }
        let waits = online.mark(&server.anyone, 0, &online.code().await).await;
        waits.refused(429, "too_many_tries");
        assert_eq!(waits.header("retry-after"), "30");
        // The whole class sits behind one router.
        let code = online.code().await;
        for student in 1..60 {
            online.mark(&server.anyone, student, &code).await.ok();
        }
        server.advance(30 * SECOND);
        assert_eq!(online.mark(&server.anyone, 0, &online.code().await).await.ok()["status"], "success");
        assert!(online.flags().await.contains(&("wrong_codes".to_owned(), 1)));
        // Another class counts for itself.
        let class = &online.class;
        class.end(&online.session).await;
        let body = json!({"course_id": class.course, "topic": ""});
        let next = class.teacher.post("/api/teacher/start-online-session", body).await.ok();
        let body = json!({"token": next["session_token"], "university_roll_no": online.roll(0), "otp": next["current_otp"]});
        assert_eq!(server.anyone.post(MARK, body).await.ok()["status"], "success");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_count_together() {
    let server = TestServer::start_with(Engine::Postgres, hub()).await;
    let other = server.another_process().await;
    let online = Online::start(&server, 2).await;
    let wrong = online.wrong_code().await;
    for _ in 0..3 {
        online.mark(&server.anyone, 0, &wrong).await.refused(403, "wrong_code");
        online.mark(&other.anyone, 0, &wrong).await.refused(403, "wrong_code");
    }
    let code = online.code().await;
    online.mark(&server.anyone, 0, &code).await.refused(429, "too_many_tries");
    online.mark(&other.anyone, 0, &code).await.refused(429, "too_many_tries");
    // One mark, one live count, one browser, whichever process they talk to.
    let path = format!("/api/teacher/session/{}/live", online.session);
    let mut live = online.class.teacher.live(&path, None).await;
    live.expect("snapshot").await;
    let marked = online.mark(&other.anyone, 1, &code).await;
    assert_eq!(marked.ok()["status"], "success");
    assert_eq!(live.until("mark").await.data["university_roll_no"], json!(online.roll(1)));
    assert_eq!(online.mark(&server.anyone, 1, &code).await.ok()["status"], "duplicate");
    server.advance(2 * MINUTE);
    let cookie = set_cookie(&marked, "arise_device").unwrap();
    online.mark_from(&server, 0, "198.51.100.7", &cookie).await.ok();
    assert!(online.flags().await.contains(&("one_device".to_owned(), 2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_mark_however_many_ask_at_once() {
    for_both_hubs(async |server| {
        let online = Online::start(&server, 1).await;
        let code = online.code().await;
        let all = (0..24).map(|_| online.mark(&server.anyone, 0, &code));
        let answers = futures_util::future::join_all(all).await;
        let new = answers.iter().filter(|answer| answer.ok()["status"] == "success").count();
        assert_eq!(new, 1);
        assert_eq!(server.records_of(&online.session, online.class.students[0].id).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_the_link_sees_what_class_it_is() {
    for_both_hubs(async |server| {
        let online = Online::start(&server, 2).await;
        let path = format!("/api/online/session/{}/info", online.token);
        online.mark(&server.anyone, 0, &online.code().await).await.ok();
        server.advance(MINUTE);
        let info = server.anyone.get(&path).await.ok();
        assert_eq!(
            info,
            json!({
                "course_name": "Course CS101", "course_code": "CS101", "teacher_name": "Teacher of CS101",
                "topic": "Trees", "time_remaining_seconds": 59 * 60, "marked_count": 1, "total_students": 2,
                "is_active": true, "login_required": false,
            })
        );
        // A link typed by hand may have capitals.
        server.anyone.get(&format!("/api/online/session/{}/info", online.token.to_uppercase())).await.ok();
        server.anyone.get("/api/online/session/nothing/info").await.refused(404, "not_found");
        server
            .anyone
            .get(&format!("/api/online/session/{}/info", "x".repeat(999)))
            .await
            .refused(404, "not_found");

        let code = online.code().await;
        online.class.end(&online.session).await;
        server.anyone.get(&path).await.refused(410, "session_ended");
        online.mark(&server.anyone, 1, &code).await.refused(410, "session_ended");
        let otp = format!("/api/online/session/{}/otp", online.token);
        online.class.teacher.get(&otp).await.refused(410, "session_ended");
        let status = online.status().await;
        assert_eq!((&status["is_active"], &status["current_otp"]), (&json!(false), &Value::Null));

        // Opened again, the link is the same.
        let reopen = format!("/api/teacher/session/{}/reopen", online.session);
        online.class.teacher.post(&reopen, json!({})).await.ok();
        online.mark(&server.anyone, 1, &online.code().await).await.ok();

        // The clock ends it too, and a deleted class has no link.
        server.advance(2 * 60 * MINUTE);
        server.anyone.get(&path).await.refused(410, "session_ended");
        let delete = online
            .class
            .teacher
            .request(Method::DELETE, &format!("/api/teacher/session/{}/delete", online.session));
        Answer::of(delete.json(&json!({"reason": "a rehearsal"}))).await.ok();
        server.anyone.get(&path).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_teacher_decides_stands() {
    for_both_hubs(async |server| {
        let online = Online::start(&server, 2).await;
        let path = format!("/api/teacher/session/{}/mark", online.session);
        let set = async |student: usize, status: Value| {
            let body = json!({"student_id": online.class.students[student].id, "status": status});
            online.class.teacher.post(&path, body).await.ok();
        };
        set(0, json!("absent")).await;
        let told = online.mark(&server.anyone, 0, &online.code().await).await.ok();
        assert_eq!(told["status"], "duplicate");
        assert!(told["message"].as_str().unwrap().contains("your teacher has decided"), "{told}");
        assert_eq!(online.class.letters(&online.session).await, "A–");
        // Taken back, the code counts.
        set(0, Value::Null).await;
        assert_eq!(online.class.letters(&online.session).await, "P–");
        online.mark(&server.anyone, 1, &online.code().await).await.ok();
        set(1, json!("excused")).await;
        assert_eq!(online.class.letters(&online.session).await, "PE");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_device_for_several_is_told_and_not_refused() {
    for_both_hubs(async |server| {
        let online = Online::start(&server, 4).await;
        let first = online.mark_from(&server, 0, "198.51.100.1", "").await;
        let cookie = set_cookie(&first, "arise_device").unwrap();
        assert!(first.header("set-cookie").contains("HttpOnly; SameSite=Lax"));
        assert!(online.flags().await.is_empty());
        let second = online.mark_from(&server, 1, "198.51.100.2", &cookie).await;
        assert_eq!(second.ok()["status"], "success");
        assert_eq!(set_cookie(&second, "arise_device"), None);
        assert_eq!(online.flags().await, [("one_device".to_owned(), 2)]);
        // A cookie of one's own making is as good as none.
        let forged = cookie.replace('.', ".00");
        let third = online.mark_from(&server, 2, "198.51.100.3", &forged).await;
        assert!(set_cookie(&third, "arise_device").is_some());
        assert_eq!(online.flags().await, [("one_device".to_owned(), 2)]);
        // A device that comes again is told so without a code.
        let body = json!({"token": online.token, "university_roll_no": online.roll(0), "otp": ""});
        let again = server.anyone.request(Method::POST, MARK).json(&body).header("cookie", cookie);
        assert_eq!(Answer::of(again).await.ok()["status"], "duplicate");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_off_campus_is_told() {
    for_both_hubs(async |server| {
        let online = Online::start(&server, 12).await;
        for student in 0..5 {
            online.mark_from(&server, student, "203.0.113.9, 198.51.100.7", "").await.ok();
        }
        assert_eq!(online.flags().await, [("one_network".to_owned(), 5)]);
        // What a student writes before the proxy's own word isn't believed.
        for student in 5..10 {
            online.mark_from(&server, student, &format!("192.0.2.{student}, 203.0.113.9"), "").await.ok();
        }
        assert_eq!(online.flags().await.len(), 2);
        let campus = json!({"campus_networks": "198.51.100.0/24, 203.0.113.9"});
        server.admin().await.post("/api/admin/config", campus).await.ok();
        assert!(online.flags().await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_institution_may_want_logins() {
    for_both_hubs(async |server| {
        let online = Online::start(&server, 2).await;
        let setting = json!({"online_login_required": true});
        server.admin().await.post("/api/admin/config", setting).await.ok();
        let code = online.code().await;
        online.mark(&server.anyone, 0, &code).await.refused(401, "login_required");
        online.mark(&online.class.teacher, 0, &code).await.refused(401, "login_required");
        let student = server.log_in_student(online.roll(1)).await;
        // Whose login it is decides, whatever is typed.
        let marked = online.mark(&student, 0, &code).await.ok();
        assert_eq!(marked["student_name"], "Student 2 of CS101");
        assert_eq!(online.class.letters(&online.session).await, "–P");
        let page = server.anyone.get(&online.page()).await;
        assert_eq!(page.status, 401);
        assert!(
            page.text().contains(&format!("/login?as=student&amp;next={}", online.page())),
            "{}",
            page.text()
        );
        let page = server.anyone.cookie(&student.token()).get(&online.page()).await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("name=\"otp\"") && !page.text().contains("name=\"university_roll_no\""));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_needs_no_script() {
    for_both_hubs(async |server| {
        let online = Online::start(&server, 3).await;
        let page = server.anyone.get(&online.page()).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!(page.header("cache-control"), "no-store");
        let text = page.text();
        assert!(!text.contains("<script") && text.contains("<html lang=\"en\">"));
        assert!(
            text.contains("Course CS101") && text.contains("0 of 3 marked") && text.contains("60 min left")
        );
        assert!(page.bytes.len() < 4_096, "{} bytes", page.bytes.len());
        let device = set_cookie(&page, "arise_device").unwrap();

        let send = async |lang: &str, cookie: &str, roll: &str, otp: &str| {
            let request = server.anyone.request(Method::POST, &format!("{}?lang={lang}", online.page()));
            let form = [("university_roll_no", roll), ("otp", otp)];
            Answer::of(request.form(&form).header("cookie", cookie)).await
        };
        let wrong = send("en", &device, online.roll(0), &online.wrong_code().await).await;
        assert_eq!(wrong.status, 403);
        assert!(wrong.text().contains("This code is wrong") && wrong.text().contains("role=\"alert\""));
        // What was typed as the roll number is still there; the code isn't.
        assert!(wrong.text().contains(&format!("value=\"{}\"", online.roll(0))));
        let marked = send("en", &device, online.roll(0), &online.code().await).await;
        assert_eq!(marked.status, 200);
        assert!(
            marked.text().contains("Student 1 of CS101, you are marked present.")
                && !marked.text().contains("<form")
        );
        let roll = set_cookie(&marked, "arise_roll").unwrap();

        // A reload shows what was done here; the roll number is remembered for the next class.
        let reloaded = server.anyone.request(Method::GET, &online.page()).header("cookie", &device);
        let reloaded = Answer::of(reloaded).await.text();
        assert!(reloaded.contains("Marked on this device:") && reloaded.contains("Student 1 of CS101"));
        let again = server.anyone.request(Method::GET, &format!("{}?again=1", online.page()));
        let again = Answer::of(again.header("cookie", format!("{device}; {roll}"))).await.text();
        assert!(again.contains("<form") && again.contains(&format!("value=\"{}\"", online.roll(0))));

        for (lang, expected) in [("hi", "पहले से लगी है"), ("en", "you are marked already")]
        {
            let answer = send(lang, "", online.roll(0), &online.code().await).await;
            assert!(answer.text().contains(expected), "{}", answer.text());
        }
        let stranger = send("hi", "", "nobody", "123456").await;
        assert_eq!(stranger.status, 403);
        assert!(stranger.text().contains("इस कोर्स में नहीं"), "{}", stranger.text());
        for _ in 0..6 {
            send("en", "", online.roll(1), &online.wrong_code().await).await;
        }
        let waits = send("en", "", online.roll(1), &online.code().await).await;
        assert_eq!((waits.status, waits.header("retry-after")), (429, "30"));
        assert!(waits.text().contains("Wait 30 s"));

        // What people type is shown as text.
        for typed in TYPED {
            let answer = send("en", "", typed, "123456").await;
            assert!(!answer.text().contains("<script"), "{}", answer.text());
        }
        let garbled = server
            .anyone
            .request(Method::POST, &online.page())
            .body("{}")
            .header("content-type", "application/json");
        assert_eq!(Answer::of(garbled).await.status, 403);

        let path = "/online/nothing?lang=hi";
        assert_eq!(server.anyone.get(path).await.status, 404);
        assert!(server.anyone.get(path).await.text().contains("<html lang=\"hi\">"));
        online.class.end(&online.session).await;
        let ended = server.anyone.get(&online.page()).await;
        assert_eq!(ended.status, 410);
        assert!(ended.text().contains("This class has ended"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_classroom_leads_to_the_hub() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        let body = json!({"course_id": class.course, "topic": ""});
        class.teacher.post("/api/teacher/start-online-session", body).await.refused(403, "hub_only");
        server.anyone.get("/api/online/session/x/info").await.refused(403, "hub_only");
        server.anyone.post(MARK, json!({"token": "x", "otp": "1"})).await.refused(403, "hub_only");
        class.teacher.get("/api/online/session/x/otp").await.refused(403, "hub_only");
        let session = class.start().await;
        let status = format!("/api/teacher/session/{session}/online-status");
        class.teacher.get(&status).await.refused(403, "hub_only");
        assert_eq!(server.anyone.get("/online/x").await.status, 403);
    })
    .await;
    let cloud_url = Some("https://hub.example.edu".to_owned());
    let config = Config { node_type: NodeType::Local, cloud_url, ..Config::default() };
    let server = TestServer::start_with(Engine::Sqlite, config).await;
    let class = server.class("CS101", 1).await;
    let body = json!({"course_id": class.course, "topic": ""});
    let refused =
        class.teacher.post("/api/teacher/start-online-session", body).await.refused(403, "hub_only");
    assert_eq!(refused["cloud_url"], "https://hub.example.edu");
    assert!(refused["hint"].as_str().unwrap().contains("https://hub.example.edu"));
    assert!(server.anyone.get("/online/x").await.text().contains("https://hub.example.edu"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_in_a_classroom_has_no_code() {
    for_both_hubs(async |server| {
        let class = server.class("CS101", 1).await;
        let session = class.start().await;
        let status = format!("/api/teacher/session/{session}/online-status");
        class.teacher.get(&status).await.refused(409, "not_online");
        // Logins of students are of no use to start one.
        let student = server.log_in_student(&class.students[0].university_roll_no).await;
        let body = json!({"course_id": class.course, "topic": ""});
        student.post("/api/teacher/start-online-session", body).await.refused(403, "wrong_role");
    })
    .await;
}
