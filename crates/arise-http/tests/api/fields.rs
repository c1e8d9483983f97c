//! Every field of every body and every parameter of every query, as the API document names them.

use std::collections::BTreeSet;

use arise_http::{Access, Route, routes};
use arise_testkit::server::{Answer, Class, Node, Scanner, TestServer, for_both_hubs};
use serde_json::{Map, Value, json};

use crate::access::Caller;
use crate::typed::typed;

/// What sends these may be newer than this server, and what isn't known of them is overlooked.
const OVERLOOKING: &[&str] = &[
    "POST /api/sync/receive",
    "POST /api/sync/join",
    "POST /api/device/pair",
    "POST /api/device/marks",
    "POST /api/device/heartbeat",
    "POST /api/mark-attendance-by-roll-id",
    "POST /api/bulk-mark-attendance",
];

/// A route that takes JSON, with the type of its body.
struct Taking {
    route: Route,
    line: String,
    schema: Value,
}

struct World {
    document: Value,
    class: Class,
    admin: Caller,
    teacher: Caller,
    student: Caller,
    scanner: Caller,
    node: Caller,
    /// By the folder of the address: whose id stands in it.
    ids: Vec<(&'static str, String)>,
    /// A right value of each field, by name.
    right: Map<String, Value>,
}

impl World {
    async fn new(server: &TestServer) -> Self {
        let class = server.class("CS101", 2).await;
        let session = class.start().await;
        let scanner: Scanner = server.scanner("A").await;
        let node: Node = server.node("Room 1").await;
        let admin = server.admin().await;
        // Those who are logged in stay as they are.
        let (teacher, student) = (server.teacher("Spare", "SPARE").await, server.student("Spare").await);
        let course = server.course("SPARE", class.semester, &teacher).await;
        let logged_in = server.log_in_student(&class.students[0].university_roll_no).await;
        let form = [("default_password", "long enough"), ("background", "1")];
        let list =
            admin.post_form("/api/admin/students/bulk-import", &form, b"name,roll\nNew,LIST-1\n").await;
        let import = list.expect(202)["job_id"].as_str().unwrap().to_owned();
        while admin.get(&format!("/api/admin/imports/{import}")).await.ok()["status"] == "running" {}
        let text = |id: &dyn std::fmt::Display| id.to_string();
        let ids = vec![
            ("/api/admin/imports/", import),
            ("/api/admin/nodes/", node.id.clone()),
            ("/api/teacher/session/", session.clone()),
            ("/api/teacher/", text(&class.course)),
            ("/api/student/", text(&class.course)),
            ("/api/admin/semesters/", text(&class.semester)),
            ("/api/admin/teachers/", text(&teacher.id)),
            ("/api/admin/students/", text(&student.id)),
            ("/api/admin/courses/", text(&course)),
            ("/api/admin/sessions/", session.clone()),
            ("/api/admin/enrollments/", text(&class.course)),
            ("/api/admin/enrollment-roster/", text(&class.semester)),
            ("/api/admin/analytics/course/", text(&class.course)),
            ("/api/admin/analytics/student/", text(&student.id)),
            ("/api/admin/report/shortage/", text(&class.semester)),
            ("/api/admin/report/session/", session.clone()),
            ("/api/admin/report/", text(&class.course)),
            ("/api/admin/devices/", scanner.id.clone()),
            ("/", "nothing".to_owned()),
        ];
        let marked = &class.students[1];
        let mut right = json!({
            "session_id": session, "course_id": class.course, "student_id": marked.id, "semester_id": class.semester,
            "teacher_id": teacher.id, "device_id": null, "univ_roll_no": marked.university_roll_no,
            "university_roll_no": "UR-NEW", "reason": "the scanner was broken", "manual_reason": "he was there",
            "action": "mark_present", "status": "present", "students": [marked.university_roll_no],
            "duration_minutes": 30, "topic": "Graphs", "session_type": "offline", "start_datetime": null,
            "listed": true, "nickname": "New",
        });
        let people_and_places = json!({
            "student_name": "New", "enrollment_no": "EN-NEW", "email1": "", "email2": "", "password": "long enough",
            "teacher_name": "New", "teacher_code": "T-NEW", "pin": "135791", "course_name": "New",
            "course_code": "NEW", "default_duration_minutes": 50, "semester_name": "New", "name": "New",
            "room": "New", "approved": true, "slots": [1], "username": "nobody", "current_password": "wrong",
            "new_password": "long enough", "batch_name": "", "institution_name": "", "time_zone": "Asia/Kolkata",
        });
        let machines = json!({
            "missing_only": true, "course_ids": null, "background": true, "token": "nothing", "otp": "000000", "code": "ABCD-2345", "url": "http://127.0.0.1:1",
            "mac_address": "02:00:00:00:00:01", "firmware": "1", "marks": [], "boot": 1, "uptime_ms": 1,
            "class_roll_id": 1, "roll_ids": [1], "db_data": "", "node": "019cd0db-0000-7000-8000-000000000001", "print": "x", "proof": "x",
            "public_key": "x",
        });
        for more in [people_and_places, machines] {
            right.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        }
        Self {
            document: server.anyone.get("/api/openapi.json").await.ok(),
            admin: Caller::Person(admin),
            teacher: Caller::Person(class.teacher.clone()),
            student: Caller::Person(logged_in),
            scanner: Caller::Device(scanner),
            node: Caller::Node(node),
            class,
            ids,
            right: right.as_object().unwrap().clone(),
        }
    }

    fn caller(&self, access: Access) -> &Caller {
        match access {
            Access::Teacher => &self.teacher,
            Access::Student => &self.student,
            Access::Device | Access::AnyDevice => &self.scanner,
            Access::Node => &self.node,
            _ => &self.admin,
        }
    }

    fn path(&self, route: &Route) -> String {
        let Some((before, rest)) = route.path.split_once('{') else { return route.path.to_owned() };
        let after = rest.split_once('}').unwrap().1;
        let (_, id) = self.ids.iter().find(|(folder, _)| before.starts_with(folder)).unwrap();
        format!("{before}{id}{after}")
    }

    async fn call(&self, route: &Route, body: &str) -> Answer {
        self.caller(route.access).call(route, &self.path(route), body).await
    }

    fn operation(&self, route: &Route) -> &Value {
        &self.document["paths"][route.path][route.method.as_str().to_lowercase()]
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    /// The types of bodies that are objects. Of several kinds of a body it is the object.
    fn taking(&self, server: &TestServer) -> Vec<Taking> {
        let mut all = vec![];
        for route in routes(&server.app) {
            let schema = &self.operation(&route)["requestBody"]["content"]["application/json"]["schema"];
            if schema.is_null() {
                continue;
            }
            let mut schema = self.resolved(schema);
            if let Some(kinds) = schema["anyOf"].as_array() {
                let mut kinds = kinds.iter().map(|kind| self.resolved(kind));
                schema = kinds.find(|kind| kind["properties"].is_object()).unwrap();
            }
            let line = format!("{} {}", route.method, route.path);
            all.push(Taking { route, line, schema: schema.clone() });
        }
        all
    }

    /// Every type of object within a type.
    fn objects<'a>(&'a self, schema: &'a Value, found: &mut Vec<&'a Value>) {
        let schema = self.resolved(schema);
        if schema["properties"].is_object() {
            found.push(schema);
        }
        let inner =
            ["anyOf", "oneOf", "allOf"].iter().filter_map(|kinds| schema[*kinds].as_array()).flatten();
        let fields = schema["properties"].as_object().into_iter().flat_map(Map::values);
        for part in inner.chain(fields).chain(schema.get("items")) {
            self.objects(part, found);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_nobody_knows_is_refused() {
    for_both_hubs(async |server| {
        let world = World::new(&server).await;
        let records = server.records().await;
        let mut overlooking = BTreeSet::new();
        for Taking { route, line, schema } in world.taking(&server) {
            let body = &world.operation(&route)["requestBody"]["content"]["application/json"]["schema"];
            let mut objects = vec![];
            world.objects(body, &mut objects);
            assert!(objects.contains(&&schema), "{line}");
            let strict = |object: &&&Value| object["additionalProperties"] == json!(false);
            if OVERLOOKING.contains(&line.as_str()) {
                assert_eq!(objects.iter().filter(strict).count(), 0, "{line}");
                overlooking.insert(line);
                continue;
            }
            assert_eq!(objects.iter().filter(strict).count(), objects.len(), "{line}: {objects:?}");
            let answer = world.call(&route, r#"{"surprise": 1}"#).await.invalid("surprise");
            assert_eq!(answer["code"], "invalid_field", "{line}");
        }
        assert_eq!(overlooking.len(), OVERLOOKING.len());
        assert_eq!(server.records().await, records);

        let admin = server.admin().await;
        let path = format!("/api/admin/enrollments/{}", world.class.course);
        let place = json!({"student_id": world.class.students[0].id, "class_roll_id": 1, "name": "A"});
        admin.post(&path, json!([place])).await.invalid("[0].name");
        admin.post(&path, json!({"students": [place]})).await.invalid("students[0].name");
        let place = json!({"roll": "UR00001", "status": "present", "name": "A"});
        let body = json!({"session_id": world.right["session_id"], "students": [place], "reason": "x"});
        let refused = world.class.teacher.post("/api/teacher/emergency-bulk-mark", body).await;
        refused.invalid("students[0]");
        assert_eq!(server.records().await, records);
    })
    .await;
}

/// What was taken is shown to come back unchanged in `typed.rs`; here it is every field there is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_in_a_field_is_taken_or_refused_in_words() {
    for_both_hubs(async |server| {
        let world = World::new(&server).await;
        let mut hostile: Vec<Value> = typed().into_iter().map(|(text, _)| json!(text)).collect();
        hostile.extend([json!(null), json!(-1), json!(i64::MIN), json!(u64::MAX), json!(1.5), json!(true)]);
        hostile.extend([
            json!(""),
            json!([null, "\0", {}]),
            json!({"\0": "\0"}),
            json!("9999-12-31T23:59:59Z"),
        ]);
        let (mut taken, mut refused) = (0, 0);
        for Taking { route, line, schema } in world.taking(&server) {
            let names: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
            for name in &names {
                for value in &hostile {
                    let known = names
                        .iter()
                        .filter_map(|name| Some(((*name).clone(), world.right.get(*name)?.clone())));
                    let mut body: Map<String, Value> = known.collect();
                    body.insert((*name).clone(), value.clone());
                    // Half of a pair: JSON can say it, and no text is it.
                    let body = Value::Object(body).to_string().replace("\"LONE\"", "\"\\ud800\"");
                    let answer = world.call(&route, &body).await;
                    let what = format!("{line} {name} {:.40}: {}", value.to_string(), answer.text());
                    assert!(answer.status < 500, "{what}");
                    if answer.status < 300 {
                        taken += 1;
                        assert_ne!(value, "LONE", "{what}");
                        continue;
                    }
                    refused += 1;
                    assert!((400..500).contains(&answer.status), "{what}");
                    let said = answer.json();
                    // An older scanner is told in words of old, without a code.
                    let words = said["message"].as_str().or(said["error"].as_str()).unwrap_or_default();
                    assert!(!words.is_empty(), "{what}");
                    // Without a key nothing of an older server is read.
                    if value == "LONE" && answer.code() != "sync_key_unset" {
                        assert_eq!((answer.status, answer.code().as_str()), (400, "not_json"), "{what}");
                    }
                }
            }
        }
        assert!(taken > 100 && refused > 1_000, "{taken} taken, {refused} refused");
        server.anyone.get("/api/health").await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_in_a_query_is_no_fault_of_the_server() {
    for_both_hubs(async |server| {
        let world = World::new(&server).await;
        let mut texts: Vec<String> = typed().into_iter().map(|(text, _)| text).collect();
        texts.extend(
            ["", "-1", "9223372036854775807", "99999999999999999999", "1.5", "null", "true"]
                .map(String::from),
        );
        let mut walked = 0;
        for route in routes(&server.app).into_iter().filter(|route| route.method == "GET") {
            let parameters = world.operation(&route)["parameters"].as_array().cloned().unwrap_or_default();
            for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query") {
                let name = parameter["name"].as_str().unwrap();
                for text in &texts {
                    let value: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
                    let path = format!("{}?{name}={value}", world.path(&route));
                    let answer = world.caller(route.access).call(&route, &path, "").await;
                    assert!(answer.status < 500, "{} {name} {text:.30}: {}", route.path, answer.text());
                    walked += 1;
                }
            }
        }
        assert!(walked > 300, "{walked}");
    })
    .await;
}
