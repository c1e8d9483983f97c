//! Every route of the table with every kind of caller. A route that is added is covered by being in the table.

use std::collections::{BTreeMap, BTreeSet};

use arise_core::NodeId;
use arise_core::clock::HOUR;
use arise_http::{Access, Route, routes};
use arise_link::seal::Asker;
use arise_testkit::server::{
    Answer, Class, Client, Node, PIN, STUDENT_PASSWORD, Scanner, TestServer, for_both_hubs,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// Whatever else becomes public must be named here.
const PUBLIC: &[&str] = &[
    "GET /api/health",
    // Says that nobody is logged in.
    "GET /api/session",
    "POST /api/admin/login",
    "POST /api/teacher/login",
    "POST /api/student/login",
    "POST /api/logout",
    "GET /api/teacher/course-codes",
    "POST /api/device/pair",
    // The link of an online class and the code are what lets a student in.
    "GET /online/{token}",
    "POST /online/{token}",
    "GET /api/online/session/{token}/info",
    "POST /api/online/mark-attendance",
    // The code, which the node proves to know, is what lets it in.
    "POST /api/sync/join",
    "GET /api/openapi.json",
    "GET /api/docs",
];

pub(crate) enum Caller {
    Person(Client),
    Device(Scanner),
    Node(Node),
}

impl Caller {
    pub(crate) async fn call(&self, route: &Route, path: &str, body: &str) -> Answer {
        let body = body.to_owned();
        let request = match self {
            Self::Person(client) => client.request(route.method.clone(), path).body(body),
            Self::Device(scanner) => {
                scanner.request(route.method.clone(), path, scanner.next_counter(), body.into_bytes())
            }
            Self::Node(node) => node.request(route.method.clone(), path, body.as_bytes()),
        };
        Answer::of(request).await
    }
}

/// Who a caller is taken for, as far as the route's access rule goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Nobody,
    Admin,
    Teacher,
    Student,
    Device,
    Node,
}

/// The refusal this caller must get; `None` when the route lets them in.
fn refusal(access: Access, taken: Taken) -> Option<u16> {
    match (access, taken) {
        (Access::Public, _)
        | (Access::LoggedIn, Taken::Admin | Taken::Teacher | Taken::Student)
        | (Access::Admin | Access::Operator, Taken::Admin)
        | (Access::Teacher, Taken::Teacher)
        | (Access::Student, Taken::Student)
        | (Access::Device | Access::AnyDevice, Taken::Device)
        | (Access::Node, Taken::Node) => None,
        (
            Access::Admin | Access::Operator | Access::Teacher | Access::Student,
            Taken::Admin | Taken::Teacher | Taken::Student,
        ) => Some(403),
        // Its keys are tested elsewhere: this server has none.
        (Access::OlderNode, _) => Some(403),
        _ => Some(401),
    }
}

/// What the owner's class is made of.
struct Owned {
    class: Class,
    ids: Vec<String>,
    /// Right values of fields by name.
    body: Value,
    /// The fields that each route takes, by method and path; none for those that look at no JSON.
    fields: BTreeMap<String, BTreeSet<String>>,
}

impl Owned {
    async fn new(server: &TestServer) -> Self {
        let class = server.class("CS101", 2).await;
        let ended = class.start().await;
        class.end(&ended).await;
        let online = class.start_with(json!({"session_type": "online"})).await.ok()["session_id"].clone();
        let online = online.as_str().unwrap().to_owned();
        let online_status = format!("/api/teacher/session/{online}/online-status");
        let token = class.teacher.get(&online_status).await.ok()["session_token"].clone();
        class.end(&online).await;
        let session = class.start().await;
        let student = &class.students[0];
        let ids = vec![
            session.clone(),
            ended,
            online,
            token.as_str().unwrap().to_owned(),
            class.course.to_string(),
            class.semester.to_string(),
            class.taught_by.id.to_string(),
            student.id.to_string(),
        ];
        // Fits as many routes as it can.
        let body = json!({
            "session_id": session, "course_id": class.course, "student_id": student.id,
            "univ_roll_no": student.university_roll_no, "university_roll_no": student.university_roll_no,
            "reason": "the scanner was broken", "manual_reason": "the scanner was broken",
            "action": "mark_absent", "status": "absent", "students": [student.university_roll_no],
            "duration_minutes": 30, "topic": "Graphs", "name": "Graphs", "class_roll_id": 1, "roll_ids": [1],
        });
        let document = server.anyone.get("/api/openapi.json").await.ok();
        let fields = routes(&server.app)
            .iter()
            .filter_map(|route| {
                let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
                let body = &operation["requestBody"]["content"]["application/json"]["schema"];
                let kind = body["$ref"].as_str()?.trim_start_matches('#');
                let fields = document.pointer(kind)?["properties"].as_object()?;
                Some((line(route), fields.keys().cloned().collect()))
            })
            .collect();
        Self { class, ids, body, fields }
    }

    /// Of these values those that the route takes.
    fn fitting(&self, route: &Route, values: &Value) -> String {
        let mut values = values.clone();
        if let (Some(values), Some(fields)) = (values.as_object_mut(), self.fields.get(&line(route))) {
            values.retain(|name, _| fields.contains(name));
        }
        values.to_string()
    }

    /// A body that fits the route as well as can be.
    fn body(&self, route: &Route) -> String {
        self.fitting(route, &self.body)
    }

    /// The route's path with each of the owner's ids.
    fn paths(&self, route: &Route) -> Vec<String> {
        let Some((before, rest)) = route.path.split_once('{') else { return vec![route.path.to_owned()] };
        let after = rest.split_once('}').map_or("", |(_, after)| after);
        self.ids.iter().map(|id| format!("{before}{id}{after}")).collect()
    }
}

fn line(route: &Route) -> String {
    format!("{} {}", route.method, route.path)
}

/// Calls every route that must refuse this caller.
async fn refused(server: &TestServer, owned: &Owned, name: &str, caller: &Caller, taken: Taken) {
    let before = server.records().await;
    let mut walked = 0;
    for route in routes(&server.app) {
        let Some(expected) = refusal(route.access, taken) else { continue };
        for path in owned.paths(&route) {
            let answer = caller.call(&route, &path, &owned.body(&route)).await;
            assert_eq!(answer.status, expected, "{name}: {} {path}: {}", route.method, answer.text());
            walked += 1;
        }
    }
    assert!(walked > 40, "{name} walked {walked} routes");
    assert_eq!(server.records().await, before, "{name} changed something");
}

/// Signs somebody's claims with a key of our own.
fn forged(token: &str, algorithm: Algorithm) -> String {
    let claims: Value = jsonwebtoken::dangerous::insecure_decode::<Value>(token).unwrap().claims;
    encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(b"guessed")).unwrap()
}

/// The token without a signature, as "alg": "none" would have it.
fn unsigned(token: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    // {"alg":"none","typ":"JWT"}
    format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_in_without_a_login_that_holds() {
    for_both_hubs(async |server| {
        let owned = Owned::new(&server).await;
        let admin = server.admin().await;
        let anyone = &server.anyone;
        let token = admin.token();
        let nobodies = [
            ("no token", anyone.clone()),
            ("garbage", anyone.bearer("garbage")),
            ("garbage in the cookie", anyone.cookie("e30.e30.e30")),
            ("a forged token", anyone.bearer(&forged(&token, Algorithm::HS256))),
            ("a forged token of another algorithm", anyone.bearer(&forged(&token, Algorithm::HS512))),
            ("a token without a signature", anyone.bearer(&unsigned(&token))),
            ("a forged cookie", anyone.cookie(&forged(&token, Algorithm::HS256))),
        ];
        for (name, client) in nobodies {
            refused(&server, &owned, name, &Caller::Person(client), Taken::Nobody).await;
        }

        let gone = server.student("Gone").await;
        let student = server.log_in_student(&gone.university_roll_no).await;
        admin.delete(&format!("/api/admin/students/{}", gone.id)).await.ok();
        refused(&server, &owned, "a deleted student", &Caller::Person(student), Taken::Nobody).await;

        let gone = server.teacher("Gone", "GONE").await;
        let teacher = server.log_in_teacher(&gone).await;
        admin.delete(&format!("/api/admin/teachers/{}", gone.id)).await.ok();
        refused(&server, &owned, "a deleted teacher", &Caller::Person(teacher), Taken::Nobody).await;

        let changed = server.teacher("Changed", "CHANGED").await;
        let teacher = server.log_in_teacher(&changed).await;
        admin.put(&format!("/api/admin/teachers/{}", changed.id), json!({"pin": "135790"})).await.ok();
        refused(&server, &owned, "a changed PIN", &Caller::Person(teacher), Taken::Nobody).await;

        let changed = server.student("Changed").await;
        let student = server.log_in_student(&changed.university_roll_no).await;
        let path = format!("/api/admin/students/{}", changed.id);
        admin.put(&path, json!({"password": "another one"})).await.ok();
        refused(&server, &owned, "a changed password", &Caller::Person(student), Taken::Nobody).await;

        server.advance(13 * HOUR);
        refused(&server, &owned, "an expired token", &Caller::Person(admin), Taken::Nobody).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_does_what_is_another_role_s() {
    for_both_hubs(async |server| {
        let owned = Owned::new(&server).await;
        let admin = Caller::Person(server.admin().await);
        refused(&server, &owned, "an administrator", &admin, Taken::Admin).await;
        let teacher = Caller::Person(owned.class.teacher.clone());
        refused(&server, &owned, "the teacher", &teacher, Taken::Teacher).await;
        let student = server.log_in_student(&owned.class.students[0].university_roll_no).await;
        refused(&server, &owned, "a student", &Caller::Person(student), Taken::Student).await;

        let scanner = server.scanner("A").await;
        let wrong = scanner.pretending(&scanner.id, [7; 32]);
        refused(&server, &owned, "a scanner with a wrong key", &Caller::Device(wrong), Taken::Nobody).await;
        refused(&server, &owned, "a scanner", &Caller::Device(scanner), Taken::Device).await;

        let node = server.node("Room 1").await;
        let wrong = node.pretending(Asker { secret: [7; 32], ..node.asker.clone() });
        refused(&server, &owned, "a node with a wrong key", &Caller::Node(wrong), Taken::Nobody).await;
        let unknown = node.pretending(Asker { node: NodeId::new(7), ..node.asker.clone() });
        refused(&server, &owned, "a node that never joined", &Caller::Node(unknown), Taken::Nobody).await;
        refused(&server, &owned, "a node", &Caller::Node(node), Taken::Node).await;
    })
    .await;
}

/// Whatever a teacher can ask for, nothing of another teacher's class comes out or changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn teachers_do_not_reach_each_other_s_classes() {
    for_both_hubs(async |server| {
        let owned = Owned::new(&server).await;
        let other = Caller::Person(server.class("MA201", 1).await.teacher);
        let before = server.records().await;
        for route in routes(&server.app) {
            if route.access != Access::Teacher {
                continue;
            }
            let mut statuses = BTreeSet::new();
            for path in owned.paths(&route) {
                let answer = other.call(&route, &path, &owned.body(&route)).await;
                statuses.insert(answer.status);
                let text = answer.text();
                let shows = owned.ids.iter().find(|id| {
                    // An answer may repeat what it was asked for, as in "this isn't yours".
                    text.contains(id.as_str()) && !path.contains(id.as_str())
                });
                assert_eq!(shows, None, "{} shows {text}", line(&route));
                if route.path.contains('{') {
                    assert!((400..500).contains(&answer.status), "{} {path}: {text}", route.method);
                }
            }
            if route.path.contains('{') {
                // One of the ids is of the kind the route is about, and there is more to it than "not found".
                assert!(statuses.contains(&403), "{} answers {statuses:?}", line(&route));
            }
        }
        assert_eq!(server.records().await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_does_what_is_theirs() {
    for_both_hubs(async |server| {
        let owned = Owned::new(&server).await;
        let student = server.log_in_student(&owned.class.students[0].university_roll_no).await;
        let callers = [
            (Caller::Device(server.scanner("A").await), Taken::Device),
            (Caller::Node(server.node("Room 1").await), Taken::Node),
            (Caller::Person(student), Taken::Student),
            (Caller::Person(owned.class.teacher.clone()), Taken::Teacher),
            // Deletes what the others need, so it comes last.
            (Caller::Person(server.admin().await), Taken::Admin),
        ];
        for (caller, taken) in callers {
            for route in routes(&server.app) {
                if route.access == Access::Public || refusal(route.access, taken).is_some() {
                    continue;
                }
                let mut let_in = false;
                for path in owned.paths(&route) {
                    let answer = caller.call(&route, &path, &owned.body(&route)).await;
                    let text = answer.text();
                    assert!(answer.status < 500, "{taken:?} {} {path}: {text}", route.method);
                    assert_ne!(answer.status, 401, "{taken:?} {} {path}: {text}", route.method);
                    assert_ne!(answer.code(), "wrong_role", "{taken:?} {} {path}", route.method);
                    let_in |= answer.status != 403;
                }
                let admins_only = taken != Taken::Admin && route.path == "/api/admin/password";
                assert!(let_in || admins_only, "{taken:?} {}", line(&route));
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_public_is_known() {
    let server = TestServer::start(arise_testkit::server::Engine::Sqlite).await;
    for route in routes(&server.app) {
        let line = line(&route);
        assert_eq!(route.access == Access::Public, PUBLIC.contains(&line.as_str()), "{line}");
    }
}

/// Whatever is sent, it isn't a fault of the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_a_fault_of_the_server() {
    for_both_hubs(async |server| {
        let owned = Owned::new(&server).await;
        let student = server.log_in_student(&owned.class.students[0].university_roll_no).await;
        let scanner = Caller::Device(server.scanner("A").await);
        let node = Caller::Node(server.node("Room 1").await);
        let teacher = Caller::Person(owned.class.teacher.clone());
        let (student, admin) = (Caller::Person(student), Caller::Person(server.admin().await));

        let mut texts: Vec<String> =
            ["", " ", "{", "[]", "[[]]", "null", "7", "\"x\"", "\u{0}", "{\"a\":\u{7f}"]
                .map(String::from)
                .into();
        texts.push("[".repeat(100_000));
        let mut bodies = vec![];
        let hostile = [
            json!(null),
            json!(-1),
            json!(i64::MIN),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1.5),
            json!(true),
            json!(""),
            json!("\u{0}"),
            json!("💥".repeat(5_000)),
            json!("9999-12-31T23:59:59Z"),
            json!([null, "\u{0}", {}]),
            json!({"\u{0}": "\u{0}"}),
        ];
        let names = [
            "username",
            "password",
            "pin",
            "course_code",
            "teacher_code",
            "teacher_name",
            "student_name",
            "semester_name",
            "course_name",
            "enrollment_no",
            "email1",
            "default_duration_minutes",
            "semester_id",
            "teacher_id",
            "start_datetime",
            "session_type",
            "device_id",
            "marks",
            "mac_address",
            "firmware",
            "battery",
            "code",
            "room",
            "approved",
            "batch_name",
            "time_zone",
            "late_after_minutes",
            "from_on",
            "current_password",
            "new_password",
        ];
        for value in &hostile {
            let all = owned.body.as_object().unwrap().keys().map(String::as_str).chain(names);
            bodies.push(Value::Object(all.map(|name| (name.to_owned(), value.clone())).collect()));
            // The ids are right and the rest isn't.
            let mut some = owned.body.clone();
            for name in names {
                some[name] = value.clone();
            }
            bodies.push(some);
        }
        for mark in &hostile {
            let mark = json!({
                "seq": 1, "slot": mark, "class_roll_id": mark, "observed_at": mark, "session_id": mark,
                "boot": 1, "uptime_ms": mark,
            });
            for uptime_ms in [i64::MIN, 0] {
                bodies.push(json!({"marks": [mark], "boot": 1, "uptime_ms": uptime_ms}));
            }
        }

        let long = "a".repeat(3_000);
        let words = ["not-an-id", "%00", "%FF", "..", "%2e%2e%2f", "';--", long.as_str()];
        for route in routes(&server.app) {
            let caller = match route.access {
                Access::Teacher => &teacher,
                Access::Student => &student,
                Access::Device | Access::AnyDevice => &scanner,
                Access::Node => &node,
                _ => &admin,
            };
            let check = async |path: &str, body: &str| {
                let answer = caller.call(&route, path, body).await;
                let (text, start) = (answer.text(), &body[..body.floor_char_boundary(300)]);
                assert!(answer.status < 500, "{} {path} with {start}: {text}", route.method);
            };
            if route.path.contains('{') {
                for word in words {
                    let (before, rest) = route.path.split_once('{').unwrap();
                    let after = rest.split_once('}').unwrap().1;
                    check(&format!("{before}{word}{after}"), &owned.body(&route)).await;
                }
            }
            for query in
                ["?limit=-1&offset=-1", "?limit=x", "?q=%00%FF", "?offset=9223372036854775807", "?cursor=%00"]
            {
                check(&format!("{}{query}", owned.paths(&route)[0]), "").await;
            }
            // Who deletes needs no body, and would take from the rest what it needs.
            if route.method != "GET" && route.method != "DELETE" {
                for body in texts.iter().cloned().chain(bodies.iter().map(|body| owned.fitting(&route, body)))
                {
                    check(&owned.paths(&route)[0], &body).await;
                }
            }
        }
        // The logins of this test still work, and so does the server.
        assert_ne!(PIN, STUDENT_PASSWORD);
        server.anyone.get("/api/health").await.ok();
    })
    .await;
}
