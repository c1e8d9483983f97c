use arise_core::clock::{HOUR, MINUTE, SECOND};
use arise_core::{Clock, StudentId, TeacherId};
use arise_store::{admin, student, teacher};
use arise_testkit::server::{
    ADMIN_PASSWORD, Answer, Engine, Method, PIN, STUDENT_PASSWORD, TestServer, for_both,
};
use serde_json::{Value, json};

async fn admin_login(server: &TestServer, username: &str, password: &str) -> Answer {
    let body = json!({"username": username, "password": password});
    server.anyone.post("/api/admin/login", body).await
}

async fn student_login(server: &TestServer, roll: &str, password: &str) -> Answer {
    let body = json!({"university_roll_no": roll, "password": password});
    server.anyone.post("/api/student/login", body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_logs_in_and_is_told_who_they_are() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        let student = &class.students[0];
        let answer = admin_login(&server, "admin", ADMIN_PASSWORD).await.ok();
        assert_eq!((&answer["status"], &answer["must_change_password"]), (&json!("success"), &json!(false)));

        for body in [
            json!({"course_code": "cs101", "pin": PIN}),
            json!({"teacher_code": class.taught_by.teacher_code, "pin": PIN}),
        ] {
            let answer = server.anyone.post("/api/teacher/login", body).await.ok();
            assert_eq!(
                (&answer["course_id"], &answer["course_name"]),
                (&json!(class.course), &json!("Course CS101"))
            );
            assert_eq!((&answer["default_duration"], &answer["status"]), (&json!(60), &json!("success")));
            assert_eq!(answer["teacher"]["teacher_name"], "Teacher of CS101");
            assert_eq!(answer["courses"][0]["course_code"], "CS101");
        }
        server.anyone.post("/api/teacher/login", json!({"pin": PIN})).await.invalid("course_code");

        let answer = student_login(&server, &student.university_roll_no, STUDENT_PASSWORD).await.ok();
        assert_eq!(answer["student_name"], json!(student.student_name));
        let token = answer["token"].as_str().unwrap();
        let expected = json!({
            "role": "student", "id": student.id, "name": student.student_name,
            "expires_at": "2026-03-09T22:00:00+05:30", "must_change_password": false,
        });
        // By header or by cookie.
        assert_eq!(server.anyone.bearer(token).get("/api/session").await.ok(), expected);
        let browser = server.anyone.cookie(token);
        assert_eq!(browser.get("/api/session").await.ok(), expected);
        server.advance(12 * HOUR - SECOND);
        browser.get("/api/session").await.ok();
        server.advance(SECOND);
        browser.get("/api/session").await.refused(401, "login_expired");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_tries_cost_time_by_account_and_never_by_address() {
    for_both(async |server| {
        let class = server.class("CS101", 61).await;
        let victim = &class.students[60].university_roll_no;
        for _ in 0..4 {
            student_login(&server, victim, "wrong!").await.refused(401, "wrong_login");
        }
        // The fifth is answered, and the sixth has to wait, even when it is right.
        student_login(&server, victim, "wrong!").await.refused(401, "wrong_login");
        let waits = student_login(&server, &victim.to_lowercase(), STUDENT_PASSWORD).await;
        waits.refused(429, "too_many_tries");
        assert_eq!(waits.header("retry-after"), "2");

        // A class behind the same router isn't locked out.
        for student in &class.students[..60] {
            student_login(&server, &student.university_roll_no, STUDENT_PASSWORD).await.ok();
        }

        server.advance(2 * SECOND);
        student_login(&server, victim, "wrong!").await.refused(401, "wrong_login");
        assert_eq!(student_login(&server, victim, STUDENT_PASSWORD).await.header("retry-after"), "4");
        server.advance(4 * SECOND);
        student_login(&server, victim, STUDENT_PASSWORD).await.ok();
        // It counts from nothing again.
        for _ in 0..5 {
            student_login(&server, victim, "wrong!").await.refused(401, "wrong_login");
        }
        // However long it goes on, a quarter of an hour is the longest.
        for _ in 0..12 {
            server.advance(15 * MINUTE);
            student_login(&server, victim, "wrong!").await.refused(401, "wrong_login");
        }
        assert_eq!(student_login(&server, victim, "wrong!").await.header("retry-after"), "900");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pin_is_guessed_no_faster_by_the_teacher_s_other_codes_or_all_at_once() {
    for_both(async |server| {
        let class = server.class("CS101", 0).await;
        server.course("CS102", class.semester, &class.taught_by).await;
        let guesses = (0..40).map(|n| {
            let body = match n % 3 {
                0 => json!({"course_code": "CS101", "pin": "000000"}),
                1 => json!({"course_code": "cs102", "pin": "000000"}),
                _ => json!({"teacher_code": class.taught_by.teacher_code, "pin": "000000"}),
            };
            let anyone = server.anyone.clone();
            tokio::spawn(async move { anyone.post("/api/teacher/login", body).await.status })
        });
        let mut looked_at = 0;
        for guess in guesses.collect::<Vec<_>>() {
            match guess.await.unwrap() {
                401 => looked_at += 1,
                429 => {}
                other => panic!("{other}"),
            }
        }
        assert_eq!(looked_at, 5);
        // Accounts that don't exist are counted alike, so that they can't be told apart.
        for _ in 0..5 {
            admin_login(&server, "nobody", "x").await.refused(401, "wrong_login");
        }
        admin_login(&server, "NOBODY", "x").await.refused(429, "too_many_tries");
        admin_login(&server, "admin", ADMIN_PASSWORD).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn made_up_accounts_do_not_fill_the_disk() {
    for_both(async |server| {
        // At a moment at which it is looked.
        server.clock.set(server.clock.now() / 64 * 64);
        for number in 0..10 {
            student_login(&server, &format!("Nobody {number}"), "x").await.refused(401, "wrong_login");
        }
        let counted = "SELECT COUNT(*) FROM login_failure";
        assert_eq!(server.count(counted, &[]).await, 10);
        server.advance(25 * HOUR / 64 * 64);
        student_login(&server, "Nobody", "x").await.refused(401, "wrong_login");
        assert_eq!(server.count(counted, &[]).await, 1);
    })
    .await;
}

async fn hash_of_student(server: &TestServer, id: StudentId) -> String {
    server.read(move |tx| Ok(student::password_hash(tx, id)?.unwrap().2)).await
}

async fn hash_of_teacher(server: &TestServer, id: TeacherId) -> String {
    server.read(move |tx| Ok(teacher::pin_hash(tx, id)?.unwrap().2)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_hashes_are_made_anew_at_the_next_login() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        let (student, teacher) = (&class.students[0], &class.taught_by);
        let (student_id, teacher_id) = (student.id, teacher.id);
        // SHA-256 of "123456", and bcrypt.
        let sha = "8D969EEF6ECAD3C29A3A629280E686CF0C3F5D5A86AFF3CA12020C923ADC6C92";
        let bcrypt = bcrypt::hash("987654", 4).unwrap();
        let admins = bcrypt.clone();
        server
            .store()
            .write(move |tx| {
                student::set_password_hash(tx, student_id, sha)?;
                teacher::set_pin_hash(tx, teacher_id, &bcrypt)?;
                admin::create(tx, "second", &admins, false).map(|_| ())
            })
            .await
            .unwrap();
        student_login(&server, &student.university_roll_no, "123457").await.refused(401, "wrong_login");
        assert_eq!(hash_of_student(&server, student_id).await, sha);

        let token = student_login(&server, &student.university_roll_no, "123456").await.ok()["token"].clone();
        assert!(hash_of_student(&server, student_id).await.starts_with("$argon2id$"));
        // The login that renewed it holds.
        server.anyone.bearer(token.as_str().unwrap()).get("/api/session").await.ok();
        student_login(&server, &student.university_roll_no, "123456").await.ok();

        let body = json!({"teacher_code": teacher.teacher_code, "pin": "987654"});
        server.anyone.post("/api/teacher/login", body.clone()).await.ok();
        assert!(hash_of_teacher(&server, teacher_id).await.starts_with("$argon2id$"));
        server.anyone.post("/api/teacher/login", body).await.ok();

        admin_login(&server, "second", "987654").await.ok();
        let renewed = server.read(|tx| Ok(admin::by_username(tx, "second")?.unwrap().password_hash)).await;
        assert!(renewed.starts_with("$argon2id$"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_password_has_to_be_changed_before_anything_else() {
    for_both(async |server| {
        let hash = arise_http::hash_password("admin").unwrap();
        server.store().write(move |tx| admin::create(tx, "new", &hash, true)).await.unwrap();
        let answer = admin_login(&server, "new", "admin").await.ok();
        assert_eq!(answer["must_change_password"], true);
        let new = server.anyone.bearer(answer["token"].as_str().unwrap());

        for route in arise_http::routes(&server.app) {
            if matches!(route.access, arise_http::Access::Admin | arise_http::Access::Operator) {
                let path = route.path.replace("{id}", crate::NO_ID);
                Answer::of(new.request(route.method, &path)).await.refused(403, "password_change_needed");
            }
        }
        assert_eq!(new.get("/api/session").await.ok()["must_change_password"], true);

        let change = async |current: &str, chosen: &str| {
            let body = json!({"current_password": current, "new_password": chosen});
            new.post("/api/admin/password", body).await
        };
        for chosen in ["admin", "ADMIN", "short", "", &"x".repeat(201)] {
            change("admin", chosen).await.invalid("new_password");
        }
        change("wrong", "a long one").await.refused(401, "wrong_login");
        let changed = change("admin", "a long one").await;
        let token = changed.ok()["token"].as_str().unwrap().to_owned();
        assert!(changed.header("set-cookie").contains(&token));
        // The old login has ended; the new one may do everything.
        new.get("/api/session").await.refused(401, "login_ended");
        server.anyone.bearer(&token).get("/api/admin/semesters").await.ok();
        admin_login(&server, "new", "admin").await.refused(401, "wrong_login");
        admin_login(&server, "new", "a long one").await.ok();

        let teacher = server.class("CS101", 0).await.teacher;
        let body = json!({"current_password": PIN, "new_password": "a long one"});
        teacher.post("/api/admin/password", body).await.refused(403, "wrong_role");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cookie_is_for_this_site_and_no_script() {
    for_both(async |server| {
        let body = json!({"username": "admin", "password": ADMIN_PASSWORD});
        let plain = server.anyone.post("/api/admin/login", body.clone()).await;
        let token = plain.ok()["token"].as_str().unwrap().to_owned();
        let cookie = format!("arise_token={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200");
        assert_eq!(plain.header("set-cookie"), cookie);
        let request = server.anyone.request(Method::POST, "/api/admin/login");
        let https = Answer::of(request.header("x-forwarded-proto", "https").json(&body)).await;
        assert!(https.header("set-cookie").ends_with("; Secure"));

        let browser = server.anyone.cookie(&token);
        let from = async |origin: &str, method: Method| {
            let request = browser.request(method, "/api/admin/semesters").header("origin", origin);
            Answer::of(request.json(&json!({"semester_name": format!("From {origin}")}))).await
        };
        from(server.anyone.url(), Method::POST).await.expect(201);
        for origin in ["http://evil.example", "null", "http://127.0.0.1", "https://127.0.0.1:1"] {
            from(origin, Method::POST).await.refused(403, "other_site");
            from(origin, Method::GET).await.ok();
        }
        // A token in the header was put there on purpose.
        let request = server.anyone.bearer(&token).request(Method::POST, "/api/admin/semesters");
        let request = request.header("origin", "http://evil.example");
        Answer::of(request.json(&json!({"semester_name": "S"}))).await.expect(201);
        // No other site may read an answer.
        let preflight =
            browser.request(Method::OPTIONS, "/api/admin/semesters").header("origin", "http://evil.example");
        let preflight = Answer::of(preflight.header("access-control-request-method", "POST")).await;
        assert_eq!(preflight.header("access-control-allow-origin"), "");

        let out = browser.post("/api/logout", Value::Null).await;
        assert_eq!(out.header("set-cookie"), "arise_token=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
        server.anyone.post("/api/logout", Value::Null).await.ok();
        assert_eq!(server.anyone.cookie("").get("/api/session").await.ok()["role"], Value::Null);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_are_in_the_audit_trail() {
    for_both(async |server| {
        let admin = server.admin().await;
        let class = server.class("CS101", 1).await;
        let roll = class.students[0].university_roll_no.clone();
        let trail = async || {
            let trail = admin.get("/api/admin/audit?limit=500").await.ok();
            let logins = |entry: &&Value| entry["action"].as_str().is_some_and(|a| a.starts_with("log"));
            trail["entries"].as_array().unwrap().iter().filter(logins).cloned().collect::<Vec<_>>()
        };
        let before = trail().await.len();
        server.advance(arise_core::clock::SECOND);
        server.log_in_student(&roll).await;
        let entered = trail().await.remove(0);
        assert_eq!((&entered["action"], &entered["actor_role"]), (&json!("logged_in"), &json!("student")));
        assert_eq!(entered["actor_name"], class.students[0].student_name);

        server.advance(arise_core::clock::SECOND);
        for _ in 0..3 {
            let body = json!({"university_roll_no": roll, "password": "hunter2"});
            server.anyone.post("/api/student/login", body).await.refused(401, "wrong_login");
        }
        let refused = trail().await.remove(0);
        assert_eq!((&refused["action"], &refused["actor_role"]), (&json!("login_refused"), &json!("system")));
        assert_eq!(refused["entity_label"], format!("student {}", class.students[0].student_name));
        assert_eq!(trail().await.len(), before + 2, "one line an hour and account");
        server.advance(arise_core::clock::HOUR + 1);
        let body = json!({"university_roll_no": roll, "password": "hunter2"});
        server.anyone.post("/api/student/login", body).await.refused(401, "wrong_login");
        assert_eq!(trail().await.len(), before + 3);

        // Names that don't exist are one account, however many somebody makes up.
        for number in 0..20 {
            let body = json!({"username": format!("hunter{number}"), "password": "x"});
            server.anyone.post("/api/admin/login", body).await.refused(401, "wrong_login");
        }
        let all = trail().await;
        assert_eq!(all.len(), before + 4);
        assert!(!json!(all).to_string().contains("hunter"), "what was typed is kept");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guesses_does_not_fill_the_audit_trail() {
    for_both(async |server| {
        let refused = async |names: std::ops::Range<i64>| {
            let write = move |tx: &mut arise_store::WriteTx<'_>| {
                names.clone().try_for_each(|n| arise_store::login::note_refused(tx, &format!("student {n}")))
            };
            server.store().write(write).await.unwrap();
            server.count("SELECT COUNT(*) FROM happening WHERE action = 'login_refused'", &[]).await
        };
        assert_eq!(refused(0..1_000).await, 200);
        assert_eq!(refused(1_000..2_000).await, 200);
        server.advance(arise_core::clock::HOUR + 1);
        assert_eq!(refused(0..1_000).await, 400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_that_they_are_nobody() {
    for_both(async |server| {
        let nobody = json!({"role": null, "id": null, "name": null, "expires_at": null, "must_change_password": false});
        assert_eq!(server.anyone.get("/api/session").await.ok(), nobody);
        // A login that ended is an error: whoever shows it believes to be somebody.
        server.anyone.bearer("garbage").get("/api/session").await.refused(401, "not_logged_in");
        server.anyone.cookie("garbage").get("/api/session").await.refused(401, "not_logged_in");
        assert_eq!(server.admin().await.get("/api/session").await.ok()["role"], "admin");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_of_a_hub_count_wrong_tries_together() {
    let server = TestServer::start(Engine::Postgres).await;
    let other = server.another_process().await;
    let body = json!({"username": "admin", "password": "guess"});
    for number in 0..5 {
        let process = if number % 2 == 0 { &server } else { &other };
        process.anyone.post("/api/admin/login", body.clone()).await.refused(401, "wrong_login");
    }
    let right = json!({"username": "admin", "password": ADMIN_PASSWORD});
    for process in [&server, &other] {
        process.anyone.post("/api/admin/login", right.clone()).await.refused(429, "too_many_tries");
    }
}
