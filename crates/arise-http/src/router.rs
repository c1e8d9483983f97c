//! Every route on one page, in the order of the API reference, each with who may call it.

use crate::app::App;
use crate::route::Access::{
    Admin, AnyDevice, Device, LoggedIn, Node, OlderNode, Operator, Public, Student, Teacher,
};
use crate::route::{Route, Routes};
use crate::{
    audit, backup, conflict, course, course_standing, dashboard, device, enrolment, health, history,
    import_job, import_undo, leaderboard, live, login, mark, online, openapi, overview, report, semester,
    session, setting, shortage, snapshot, student, student_course, student_import, student_standing, sync,
    teacher, trends, v1_import,
};

/// Where files come in, which may take a while.
pub(crate) const UPLOADS: [&str; 5] = [
    "/api/sync/receive",
    "/api/sync/exchange",
    "/api/sync/import",
    "/api/admin/students/bulk-import",
    "/api/admin/import/arise-v1",
];

/// The route table, for tests and for the API document.
pub fn routes(app: &App) -> Vec<Route> {
    build(app).table
}

pub(crate) fn build(app: &App) -> Routes {
    let mut r = Routes::new(app.clone());

    r.get(Public, "/api/health", health::get);
    r.get(Public, "/api/openapi.json", openapi::get);
    r.get(Public, "/api/docs", openapi::page);
    r.post_large(OlderNode, "/api/sync/receive", snapshot::MAX_BODY, snapshot::receive);

    r.post(Public, "/api/admin/login", login::admin);
    r.post(Public, "/api/teacher/login", login::teacher);
    r.post(Public, "/api/student/login", login::student);
    r.post(Public, "/api/logout", login::logout);
    r.get(Public, "/api/session", login::me);
    r.post(LoggedIn, "/api/admin/password", login::change_admin_password);

    r.get(Admin, "/api/admin/config", setting::get);
    r.post(Admin, "/api/admin/config", setting::update);
    r.get(Admin, "/api/admin/semesters", semester::list);
    r.post(Admin, "/api/admin/semesters", semester::create);
    r.put(Admin, "/api/admin/semesters/{id}", semester::update);
    r.delete(Admin, "/api/admin/semesters/{id}", semester::remove);
    r.get(Admin, "/api/admin/teachers", teacher::list);
    r.post(Admin, "/api/admin/teachers", teacher::create);
    r.put(Admin, "/api/admin/teachers/{id}", teacher::update);
    r.delete(Admin, "/api/admin/teachers/{id}", teacher::remove);
    r.get(Admin, "/api/admin/students", student::list);
    r.post(Admin, "/api/admin/students", student::create);
    r.post_large(Admin, "/api/admin/students/bulk-import", student_import::MAX_BODY, student_import::create);
    r.post_large(Admin, "/api/admin/import/arise-v1", v1_import::MAX_BODY, v1_import::create);
    r.get(Admin, "/api/admin/imports", import_job::list);
    r.get(Admin, "/api/admin/imports/{id}", import_job::get);
    r.delete(Admin, "/api/admin/imports/{id}", import_job::cancel);
    r.get(Admin, "/api/admin/imports/{id}/undo", import_undo::preview);
    r.post(Admin, "/api/admin/imports/{id}/undo", import_undo::create);
    r.put(Admin, "/api/admin/students/{id}", student::update);
    r.delete(Admin, "/api/admin/students/{id}", student::remove);
    r.delete(Admin, "/api/admin/students/{id}/nickname", leaderboard::clear_nickname);
    r.get(Admin, "/api/admin/courses", course::list);
    r.post(Admin, "/api/admin/courses", course::create);
    r.get(Admin, "/api/admin/courses/{id}", course::get);
    r.put(Admin, "/api/admin/courses/{id}", course::update);
    r.delete(Admin, "/api/admin/courses/{id}", course::remove);
    r.get(Admin, "/api/admin/courses-view", course::list);
    r.get(Admin, "/api/admin/enrollments/{id}", enrolment::get);
    r.post(Admin, "/api/admin/enrollments/{id}", enrolment::put);
    r.get(Admin, "/api/admin/enrollment-roster/{id}", enrolment::of_semester);
    r.get(Admin, "/api/admin/analytics/overview", overview::get);
    r.get(Admin, "/api/admin/analytics/course/{id}", course_standing::of_admin);
    r.get(Admin, "/api/admin/analytics/student/{id}", student_standing::get);
    r.get(Admin, "/api/admin/analytics/trends", trends::get);
    r.get(Admin, "/api/admin/report/register/{id}", report::export_any);
    r.get(Admin, "/api/admin/report/session/{id}", report::session_any);
    r.get(Admin, "/api/admin/report/shortage/{id}", shortage::get);
    r.get(Admin, "/api/admin/audit", audit::list);
    r.get(Operator, "/api/admin/backups", backup::list);
    r.post(Operator, "/api/admin/backups", backup::create);
    r.get(Operator, "/api/admin/backups/progress", backup::progress);
    r.delete(Operator, "/api/admin/backups/progress", backup::stop);
    r.post(Operator, "/api/admin/backups/{name}/restore", backup::restore);
    r.get(Operator, "/api/admin/check", backup::check);

    r.get(Admin, "/api/admin/devices", device::list_with_slots);
    r.post(Admin, "/api/admin/devices", device::create);
    r.put(Admin, "/api/admin/devices/{id}", device::update);
    r.delete(Admin, "/api/admin/devices/{id}", device::remove);
    r.post(Admin, "/api/admin/devices/{id}/pairing-code", device::offer_pairing);
    r.post(Admin, "/api/admin/devices/{id}/beep", device::beep);
    r.get(Admin, "/api/admin/devices/{id}/slots", device::slots::list);
    r.post(Admin, "/api/admin/devices/{id}/slots", device::slots::assign);
    r.put(Admin, "/api/admin/devices/{id}/slots", device::slots::set);
    r.delete(Admin, "/api/admin/devices/{id}/slots", device::slots::clear);

    r.get(Public, "/api/teacher/course-codes", session::course_codes);
    r.get(Teacher, "/api/teacher/courses", session::my_courses);
    r.post(Teacher, "/api/teacher/start-session", session::start);
    r.post(Teacher, "/api/teacher/start-online-session", online::start);
    r.post(Teacher, "/api/teacher/manual-override", mark::manual_override);
    r.post(Teacher, "/api/teacher/emergency-bulk-mark", mark::emergency_bulk_mark);
    r.post(Teacher, "/api/teacher/session/{id}/end", session::end);
    r.post(Teacher, "/api/teacher/session/{id}/extend", session::extend);
    r.post(Teacher, "/api/teacher/session/{id}/reopen", session::reopen);
    r.post(Teacher, "/api/teacher/session/{id}/device", session::choose_device);
    r.post(Teacher, "/api/teacher/session/{id}/mark", mark::set);
    r.post(Teacher, "/api/teacher/session/{id}/check-expire", session::check_expire);
    r.get(Teacher, "/api/teacher/session/{id}/status", session::status);
    r.get(Teacher, "/api/teacher/session/{id}/online-status", online::status);
    r.get(Teacher, "/api/teacher/session/{id}/live", live::stream);
    r.get(Teacher, "/api/teacher/session/{id}/snapshot", live::snapshot);
    r.get(Teacher, "/api/teacher/session/{id}/refused-marks", device::refused_marks);
    r.delete(Teacher, "/api/teacher/session/{id}/delete", session::delete);
    r.get(Teacher, "/api/teacher/report/{id}", report::get);
    r.get(Teacher, "/api/teacher/report/export/{id}", report::export);
    r.get(Teacher, "/api/teacher/report/session/{id}", report::session);
    r.get(Teacher, "/api/teacher/analytics/{id}", course_standing::of_teacher);
    r.get(Teacher, "/api/teacher/history/{id}", history::list);
    r.get(Teacher, "/api/teacher/session-detail/{id}", history::detail);
    r.post(Teacher, "/api/teacher/update-attendance", mark::update);
    r.get(Teacher, "/api/teacher/validate-session/{id}", session::validate);
    r.get(Teacher, "/api/teacher/device-status", device::status);
    r.get(Teacher, "/api/teacher/devices", device::list);

    r.get(Student, "/api/student/dashboard", dashboard::get);
    r.get(Student, "/api/student/semesters", dashboard::semesters);
    r.get(Student, "/api/student/course/{id}", student_course::log);
    r.get(Student, "/api/student/analytics", student_course::analytics);
    r.get(Student, "/api/student/critical-alerts", dashboard::alerts);
    r.get(Student, "/api/student/leaderboard", leaderboard::get);
    r.put(Student, "/api/student/leaderboard", leaderboard::choose);

    r.get(Operator, "/api/sync/status", sync::status);
    r.post(Operator, "/api/sync/push", sync::push);
    r.post(Operator, "/api/sync/hub", sync::join_hub);
    r.post(Operator, "/api/sync/export", sync::export);
    r.post_large(Operator, "/api/sync/import", sync::MAX_FILE, sync::import);
    r.post(Public, "/api/sync/join", sync::join);
    r.post(Node, "/api/sync/exchange", sync::exchange);
    r.get(Admin, "/api/admin/nodes", sync::list);
    r.post(Admin, "/api/admin/nodes", sync::create);
    r.put(Admin, "/api/admin/nodes/{id}", sync::set_scope);
    r.delete(Admin, "/api/admin/nodes/{id}", sync::remove);
    r.get(Admin, "/api/admin/conflicts", conflict::list);
    r.post(Admin, "/api/admin/conflicts", conflict::settle);
    r.post(Admin, "/api/admin/students/{id}/merge", conflict::merge);
    r.delete(Admin, "/api/admin/students/{id}/merge", conflict::part);
    r.post(Admin, "/api/admin/students/{id}/review", conflict::review_student);
    r.post(Admin, "/api/admin/sessions/{id}/review", conflict::review_session);

    r.get(Public, "/online/{token}", online::page);
    r.post(Public, "/online/{token}", online::submit);
    r.get(Public, "/api/online/session/{token}/info", online::info);
    r.post(Public, "/api/online/mark-attendance", online::mark);
    r.get(Teacher, "/api/online/session/{token}/otp", online::otp);

    r.post(Public, "/api/device/pair", device::pair);
    r.get(Device, "/api/device/state", device::state);
    r.post(Device, "/api/device/marks", device::marks);
    r.post(AnyDevice, "/api/device/heartbeat", device::heartbeat);
    r.get(AnyDevice, "/api/session-status", device::legacy_status);
    r.post(AnyDevice, "/api/mark-attendance-by-roll-id", device::legacy_mark);
    r.post(AnyDevice, "/api/bulk-mark-attendance", device::legacy_bulk);

    r
}
