//! What the types of a route's handler don't tell: what it is for, in a sentence, and with which statuses it refuses
//! besides those of its types and access rule. One entry for each route of router.rs.

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::{Operation, Schemas};
use crate::device::{self, DeviceView};
use crate::live::Snapshot;
use crate::mark::MarkLine;
use crate::session::SessionView;
use crate::{
    backup, enrolment, health, import_job, import_undo, login, online, shortage, snapshot, student_import,
    sync, v1_import,
};

/// Writes every entry. Answers those that name no route.
pub(super) fn say(
    routes: &[String],
    operations: &mut [Operation],
    schemas: &mut Schemas,
) -> Vec<&'static str> {
    let mut said = Said { routes, operations, schemas, unknown: vec![] };
    public(&mut said);
    admin(&mut said);
    teacher(&mut said);
    student(&mut said);
    scanner(&mut said);
    server(&mut said);
    said.unknown
}

fn public(r: &mut Said<'_>) {
    r.route("GET /api/health", "Whether the server works.")
        .gives::<health::Health>(200)
        .gives::<health::Health>(503);
    r.route("GET /api/openapi.json", "This document.").gives::<Value>(200);
    r.route("GET /api/docs", "This document as a page.").gives_file(200, "text/html; charset=utf-8");
    r.route("POST /api/admin/login", "Logs an administrator in.")
        .gives::<login::LoggedIn<login::OfAdmin>>(200)
        .refuses(&[401, 429]);
    r.route("POST /api/teacher/login", "Logs a teacher in, by a course's code or their own, and PIN.")
        .gives::<login::LoggedIn<login::OfTeacher>>(200)
        .refuses(&[401, 429]);
    r.route("POST /api/student/login", "Logs a student in.")
        .gives::<login::LoggedIn<login::OfStudent>>(200)
        .refuses(&[401, 429]);
    r.route("POST /api/logout", "Forgets the browser's cookie.").gives::<login::LoggedOut>(200);
    r.route("GET /api/session", "Who is logged in, if anybody.").refuses(&[401, 403]);
    r.route("POST /api/admin/password", "Changes the administrator's own password; other logins end.")
        .gives::<login::NewToken>(200)
        .refuses(&[404, 429]);
    r.route("GET /api/teacher/course-codes", "The codes that teachers may log in with.");
    r.route("GET /online/{token}", "The page on which students mark themselves in an online class.")
        .gives_file(200, HTML)
        .gives_file(401, HTML)
        .gives_file(403, HTML)
        .gives_file(404, HTML)
        .gives_file(410, HTML)
        .gives_file(503, HTML);
    r.route("POST /online/{token}", "The same page with what became of the form.")
        .gives_file(200, HTML)
        .gives_file(400, HTML)
        .gives_file(401, HTML)
        .gives_file(403, HTML)
        .gives_file(404, HTML)
        .gives_file(410, HTML)
        .gives_file(429, HTML)
        .gives_file(503, HTML);
    r.route("GET /api/online/session/{token}/info", "An online class, for who has its link.")
        .refuses(&[403, 410]);
    r.route("POST /api/online/mark-attendance", "Marks a student by the code that is shown in class.")
        .gives::<online::MarkedByCode>(200)
        .refuses(&[401, 403, 404, 410, 429]);
}

fn admin(r: &mut Said<'_>) {
    r.route("GET /api/admin/config", "The institution's settings.");
    r.route("POST /api/admin/config", "Changes settings; what isn't said stays.");
    r.route("GET /api/admin/semesters", "Semesters by name.");
    r.route("POST /api/admin/semesters", "Adds a semester.").refuses(&[409]);
    r.route("PUT /api/admin/semesters/{id}", "Renames a semester.").refuses(&[409]);
    r.route("DELETE /api/admin/semesters/{id}", "Deletes a semester that has no courses.").refuses(&[409]);
    r.route("GET /api/admin/teachers", "Teachers by name.");
    r.route("POST /api/admin/teachers", "Adds a teacher.").refuses(&[409]);
    r.route("PUT /api/admin/teachers/{id}", "Changes a teacher; what isn't said stays.").refuses(&[409]);
    r.route("DELETE /api/admin/teachers/{id}", "Deletes a teacher.").refuses(&[409]);
    r.route("GET /api/admin/students", "Students by roll number.");
    r.route("POST /api/admin/students", "Adds a student.").refuses(&[409]);
    r.route("PUT /api/admin/students/{id}", "Changes a student; what isn't said stays.").refuses(&[409]);
    r.route("DELETE /api/admin/students/{id}", "Deletes a student. Their marks stay on record.");
    r.route(
        "DELETE /api/admin/students/{id}/nickname",
        "Takes a student's nickname on the leaderboard away.",
    );
    r.route("POST /api/admin/students/bulk-import", "Adds students from a CSV file or workbook.")
        .form_fields(&[
            ("default_password", "Of every student whose row has none."),
            ("dry_run", "Whether only to say what would be done."),
            ("background", "Whether the answer is not to wait."),
        ])
        .gives::<student_import::Imported>(200)
        .gives::<import_job::Begun>(202)
        .refuses(&[409]);
    r.route("GET /api/admin/imports/{id}", "How far an import is.");
    r.route("GET /api/admin/imports", "The latest imports, without what came of them.");
    r.route("GET /api/admin/imports/{id}/undo", "What taking an import of students back would delete.")
        .refuses(&[409]);
    r.route(
        "POST /api/admin/imports/{id}/undo",
        "Deletes the students whom an import added, unless something was done with them.",
    )
    .gives::<import_undo::Undone>(200)
    .gives::<import_job::Begun>(202)
    .refuses(&[409]);
    r.route("DELETE /api/admin/imports/{id}", "Stops an import before its next rows; what is in stays.");
    r.route("POST /api/admin/import/arise-v1", "Takes the database of the older system, as a file.")
        .form_fields(&[
            ("dry_run", "Whether only to say what would come of it."),
            ("node", "The older server's name, where there are several."),
            ("background", "Whether the answer is not to wait."),
        ])
        .gives::<v1_import::Imported>(200)
        .gives::<import_job::Begun>(202)
        .refuses(&[409]);
    r.route("GET /api/admin/report/register/{id}", "A course's register as a file.").gives_tables();
    r.route("GET /api/admin/report/session/{id}", "One session as a file.").gives_tables();
    r.route(
        "GET /api/admin/report/shortage/{id}",
        "Who is below the minimum in a semester, and what it takes.",
    )
    .gives_tables()
    .gives::<shortage::List>(200)
    .refuses(&[422]);
    r.route("GET /api/admin/courses", "Courses by code.");
    r.route("POST /api/admin/courses", "Adds a course.").refuses(&[409]);
    r.route("GET /api/admin/courses/{id}", "A course.");
    r.route("PUT /api/admin/courses/{id}", "Changes a course; what isn't said stays.").refuses(&[409]);
    r.route("DELETE /api/admin/courses/{id}", "Deletes a course that has no open session.").refuses(&[409]);
    r.route("GET /api/admin/courses-view", "Courses with the names of their semesters and teachers.");
    r.route("GET /api/admin/enrollments/{id}", "Who belongs to a course, and who could.");
    r.route("POST /api/admin/enrollments/{id}", "Makes a list the roster of a course.")
        .takes::<enrolment::RosterBody>()
        .refuses(&[409]);
    r.route("GET /api/admin/enrollment-roster/{id}", "Everybody who belongs to a course of a semester.");
    r.route("GET /api/admin/analytics/overview", "The institution in a few numbers.").refuses(&[404]);
    r.route("GET /api/admin/analytics/course/{id}", "How a course goes, with everybody in it.");
    r.route("GET /api/admin/analytics/student/{id}", "How a student does in every course.");
    r.route("GET /api/admin/analytics/trends", "How attendance develops.").refuses(&[404]);
    r.route("GET /api/admin/audit", "Who did what, the latest first.");
    r.route("GET /api/admin/backups", "Backups of this server, the latest first.").refuses(&[409]);
    r.route("POST /api/admin/backups", "Makes a backup.")
        .gives::<backup::BackupView>(201)
        .gives::<backup::WorkBegun>(202)
        .refuses(&[409]);
    r.route("GET /api/admin/backups/progress", "What is under way, and how the last one ended.");
    r.route("DELETE /api/admin/backups/progress", "Stops the backup that is being made.").refuses(&[409]);
    r.route("POST /api/admin/backups/{name}/restore", "Puts a backup in the place of the records.")
        .gives::<backup::RestoreView>(200)
        .gives::<backup::WorkBegun>(202)
        .refuses(&[409]);
    r.route("GET /api/sync/status", "How far this server and the hub are with each other.");
    r.route("POST /api/sync/push", "Syncs with the hub now.").refuses(&[409]);
    r.route("POST /api/sync/hub", "Joins a hub with a code of its administrator.").refuses(&[409]);
    r.route("POST /api/sync/export", "A file with all that waits for the hub, to be walked there.")
        .gives_file(200, "application/octet-stream")
        .refuses(&[409]);
    r.route("POST /api/sync/import", "On the hub takes a node's file, on a node the hub's.")
        .gives_file(200, "application/octet-stream")
        .gives::<sync::SyncFileTaken>(200)
        .refuses(&[409]);
    r.route("GET /api/admin/nodes", "On the hub: the nodes that sync with it.");
    r.route("POST /api/admin/nodes", "Adds a node and gives the code with which it joins.");
    r.route("PUT /api/admin/nodes/{id}", "Gives a node the records of some courses, or of all.");
    r.route("DELETE /api/admin/nodes/{id}", "Shuts a node out, with the copies of it.");
    r.route("GET /api/admin/conflicts", "What syncing brought that somebody should decide about.");
    r.route(
        "POST /api/admin/conflicts",
        "Keeps one of the values of a field that was changed in two places.",
    )
    .refuses(&[404, 409]);
    r.route("POST /api/admin/students/{id}/merge", "Makes one student of two: moves marks and courses.")
        .refuses(&[409]);
    r.route("DELETE /api/admin/students/{id}/merge", "Takes a merge back.");
    r.route(
        "POST /api/admin/students/{id}/review",
        "Brings a deleted student back who got marks afterwards, or leaves them deleted.",
    );
    r.route(
        "POST /api/admin/sessions/{id}/review",
        "Brings a deleted session back that got marks afterwards, or leaves it deleted.",
    );
    r.route("GET /api/admin/check", "Looks whether the records and what follows from them agree.");
    r.route("GET /api/admin/devices", "Scanners.");
    r.route("POST /api/admin/devices", "Adds a scanner and gives the code that pairs it.").refuses(&[409]);
    r.route("PUT /api/admin/devices/{id}", "Changes or approves a scanner.").refuses(&[409]);
    r.route("DELETE /api/admin/devices/{id}", "Removes a scanner; its key stops working.");
    r.route("GET /api/admin/devices/{id}/slots", "The students of a course with their slots in a scanner.");
    r.route("POST /api/admin/devices/{id}/slots", "Gives slots to the students of a course who have none.")
        .refuses(&[409]);
    r.route("PUT /api/admin/devices/{id}/slots", "Makes these the slots of one student.").refuses(&[409]);
    r.route("DELETE /api/admin/devices/{id}/slots", "Forgets whose the slots are.").refuses(&[409]);
    r.route("POST /api/admin/devices/{id}/pairing-code", "Gives a new pairing code.").refuses(&[409]);
    r.route("POST /api/admin/devices/{id}/beep", "Lets a scanner beep, for who looks for it.")
        .refuses(&[409]);
}

fn teacher(r: &mut Said<'_>) {
    r.route("GET /api/teacher/courses", "The teacher's courses, the likeliest now first.");
    r.route("POST /api/teacher/start-session", "Starts a session.").refuses(&[404, 409]);
    r.route(
        "POST /api/teacher/start-online-session",
        "Starts an online class: a link and a code. On the hub only.",
    )
    .refuses(&[404, 409]);
    r.route("POST /api/teacher/manual-override", "Marks one student present while the session is open.")
        .refuses(&[404, 410]);
    r.route("POST /api/teacher/emergency-bulk-mark", "Marks many students at once.").refuses(&[404]);
    r.route("POST /api/teacher/session/{id}/end", "Ends a session.");
    r.route("POST /api/teacher/session/{id}/extend", "Adds ten minutes.").refuses(&[409, 410]);
    r.route("POST /api/teacher/session/{id}/reopen", "Opens a session again that ended a short while ago.")
        .refuses(&[409]);
    r.route("POST /api/teacher/session/{id}/device", "Chooses the scanner of a session.")
        .refuses(&[409, 410]);
    r.route("POST /api/teacher/session/{id}/mark", "Sets or takes back a student's mark.");
    r.route("POST /api/teacher/session/{id}/check-expire", "Whether the clock has closed a session.");
    r.route("GET /api/teacher/session/{id}/status", "Roll numbers of who is marked.");
    r.route(
        "GET /api/teacher/session/{id}/online-status",
        "An online class: its code, its link, who is marked, and what to look at.",
    )
    .refuses(&[409]);
    r.route(
        "GET /api/teacher/session/{id}/live",
        "A stream of what happens in a session; Last-Event-ID resumes it.",
    )
    .event::<Snapshot>("snapshot")
    .event::<MarkLine>("mark")
    .event::<SessionView>("session")
    .event::<DeviceView>("device");
    r.route(
        "GET /api/teacher/session/{id}/snapshot",
        "The stream's first event, for browsers that can't hold one.",
    );
    r.route(
        "GET /api/teacher/session/{id}/refused-marks",
        "Marks of scanners on the session's day that count nowhere.",
    );
    r.route("DELETE /api/teacher/session/{id}/delete", "Takes a finished session out of lists and counts.")
        .refuses(&[409]);
    r.route("GET /api/teacher/report/{id}", "A course's register.");
    r.route("GET /api/teacher/report/export/{id}", "A course's register as a file.").gives_tables();
    r.route("GET /api/teacher/report/session/{id}", "One session as a file.").gives_tables();
    r.route("GET /api/teacher/analytics/{id}", "How a course goes, with those at risk.");
    r.route("GET /api/teacher/history/{id}", "Past sessions of a course.");
    r.route("GET /api/teacher/session-detail/{id}", "One session with every student.");
    r.route("POST /api/teacher/update-attendance", "Corrects a mark, also long after the session.")
        .refuses(&[404]);
    r.route("GET /api/teacher/validate-session/{id}", "A course with its open session and students.");
    r.route("GET /api/teacher/device-status", "The scanner heard of last, and all scanners.");
    r.route("GET /api/teacher/devices", "Scanners.");
    r.route("GET /api/online/session/{token}/otp", "The code that is shown now.").refuses(&[410]);
}

fn student(r: &mut Said<'_>) {
    r.route(
        "GET /api/student/dashboard",
        "The student's courses, what to do about each, streaks and badges.",
    )
    .refuses(&[404]);
    r.route("GET /api/student/semesters", "The student's semesters with their courses.");
    r.route("GET /api/student/course/{id}", "One course, session by session.");
    r.route("GET /api/student/analytics", "How attendance develops in each course.").refuses(&[404]);
    r.route("GET /api/student/critical-alerts", "The courses in which the student is below a threshold.");
    r.route("GET /api/student/leaderboard", "Who attends most, and where the student stands.")
        .refuses(&[404]);
    r.route("PUT /api/student/leaderboard", "Whether other students see this one there, and as whom.")
        .refuses(&[404, 409]);
}

fn server(r: &mut Said<'_>) {
    r.route("POST /api/sync/receive", "Takes what is new in a snapshot of an older system's server.")
        .takes::<snapshot::Snapshot>()
        .gives::<snapshot::Received>(200)
        .refuses(&[409]);
    r.route("POST /api/sync/join", "Admits a node that proves to know a code.").refuses(&[401, 403]);
    r.route("POST /api/sync/exchange", "Takes what a node has to say, and answers what it lacks.")
        .gives_file(200, "application/octet-stream")
        .refuses(&[409]);
}

fn scanner(r: &mut Said<'_>) {
    r.route("POST /api/device/pair", "Gives a scanner its key, once, for a pairing code.")
        .refuses(&[401, 403, 404, 409, 410, 429]);
    r.route("GET /api/device/state", "What a scanner has to know: the time, its session, recent windows.")
        .refuses(&[409]);
    r.route("POST /api/device/marks", "Takes up to 500 marks; each is answered by its number.")
        .takes::<device::Upload>()
        .refuses(&[409]);
    r.route("POST /api/device/heartbeat", "Takes a scanner's word of its own health.")
        .takes::<device::Heartbeat>()
        .refuses(&[409]);
    r.route("GET /api/session-status", "Whether a session is open, for older scanners.").refuses(&[409]);
    r.route("POST /api/mark-attendance-by-roll-id", "One mark of an older scanner.")
        .gives::<device::OlderAnswer>(400)
        .refuses(&[409]);
    r.route("POST /api/bulk-mark-attendance", "The queue of an older scanner.")
        .gives::<device::OlderQueueAnswer>(400)
        .refuses(&[409]);
}

const HTML: &str = "text/html; charset=utf-8";

struct Said<'a> {
    routes: &'a [String],
    operations: &'a mut [Operation],
    schemas: &'a mut Schemas,
    unknown: Vec<&'static str>,
}

impl Said<'_> {
    fn route(&mut self, route: &'static str, summary: &'static str) -> Entry<'_> {
        let place = self.routes.iter().position(|known| known == route);
        if place.is_none() {
            self.unknown.push(route);
        }
        let operation = place.map(|place| &mut self.operations[place]);
        let mut entry = Entry { operation, schemas: self.schemas };
        entry.change(|operation, _| operation.summary = summary);
        entry
    }
}

/// One route's entry.
struct Entry<'a> {
    operation: Option<&'a mut Operation>,
    schemas: &'a mut Schemas,
}

impl Entry<'_> {
    fn change(&mut self, change: impl FnOnce(&mut Operation, &mut Schemas)) {
        if let Some(operation) = &mut self.operation {
            change(operation, self.schemas);
        }
    }

    /// Statuses with which it refuses, besides those that its types and access rule tell.
    fn refuses(mut self, statuses: &[u16]) -> Self {
        self.change(|operation, _| operation.refusals.extend(statuses));
        self
    }

    /// It answers JSON of this type. When 400 has one, errors have it besides their own.
    fn gives<T: JsonSchema>(mut self, status: u16) -> Self {
        self.change(|operation, schemas| {
            let schema = schemas.written::<T>();
            operation.answer(status, "application/json", &schema);
        });
        self
    }

    /// It answers a file or a page of this kind.
    fn gives_file(mut self, status: u16, kind: &str) -> Self {
        let schema = if kind.starts_with("text/") { json!({"type": "string"}) } else { json!({}) };
        self.change(|operation, _| operation.answer(status, kind, &schema));
        self
    }

    /// It answers a table, as a workbook or CSV.
    fn gives_tables(self) -> Self {
        self.gives_file(200, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
            .gives_file(200, "text/csv; charset=utf-8")
    }

    /// It takes JSON of this type.
    fn takes<T: JsonSchema>(mut self) -> Self {
        self.change(|operation, schemas| {
            let schema = schemas.read::<T>();
            if let Some(body) = &mut operation.body {
                body["content"]["application/json"]["schema"] = schema;
            }
        });
        self
    }

    /// Fields of its form besides the file, each with what it is for.
    fn form_fields(mut self, fields: &[(&str, &str)]) -> Self {
        self.change(|operation, _| {
            for (name, meaning) in fields {
                if let Some(body) = &mut operation.body {
                    body["content"]["multipart/form-data"]["schema"]["properties"][*name] =
                        json!({"type": "string", "description": meaning});
                }
            }
        });
        self
    }

    /// Its stream has an event of this name with JSON of this type.
    fn event<T: JsonSchema>(mut self, name: &str) -> Self {
        self.change(|operation, schemas| {
            let schema = schemas.written::<T>();
            operation.answers["200"]["content"]["text/event-stream"]["x-events"][name] = schema;
        });
        self
    }
}
