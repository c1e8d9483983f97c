use std::io::Cursor;

use arise_core::clock::MINUTE;
use arise_testkit::server::{ADMIN_PASSWORD, Answer, Client, TestServer, for_both};
use calamine::{Data, Range, Reader, Xlsx};
use serde_json::{Value, json};

use crate::report::{report, taught};

/// The administrator, whose earlier login has expired by now.
async fn admin_of(server: &TestServer) -> Client {
    server.log_in("/api/admin/login", json!({"username": "admin", "password": ADMIN_PASSWORD})).await
}

/// The rows of a CSV file, its header first.
fn csv_rows(answer: &Answer) -> Vec<Vec<String>> {
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/csv; charset=utf-8"));
    let text = answer.text();
    let text = text.strip_prefix('\u{feff}').expect("the mark that spreadsheets need");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// The rows of a workbook's only sheet from its header on, as CSV would have them but for apostrophes.
fn xlsx_rows(answer: &Answer, first: &str) -> Vec<Vec<String>> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("content-disposition").ends_with(".xlsx\""));
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(answer.bytes.clone())).unwrap();
    let name = book.sheet_names()[0].clone();
    let range: Range<Data> = book.worksheet_range(&name).unwrap();
    let formulas = book.worksheet_formula(&name).unwrap();
    assert!(formulas.used_cells().next().is_none(), "a formula");
    let text = |cell: &Data| match cell {
        Data::Float(number) => number.to_string(),
        cell => cell.to_string(),
    };
    let rows = range.rows().map(|row| row.iter().map(text).collect::<Vec<_>>());
    rows.skip_while(|row| row[0] != first).collect()
}

/// What a spreadsheet shows of a CSV cell.
fn unguarded(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let plain = |cell: String| match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest.to_owned(),
        _ => cell,
    };
    rows.into_iter().map(|row| row.into_iter().map(plain).collect()).collect()
}

/// Two decimals as CSV has them, as a number.
fn decimal(text: &str) -> f64 {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_register_as_csv_is_the_workbook_and_the_report() {
    for_both(async |server| {
        let class = taught(&server).await;
        let path = format!("/api/teacher/report/export/{}", class.course);
        let csv = csv_rows(&class.teacher.get(&format!("{path}?format=csv")).await);
        let rolls: Vec<&str> = csv[1..].iter().map(|row| row[2].as_str()).collect();
        assert_eq!((csv[1][1].as_str(), rolls[0]), ("'=1+1", "'+91"), "no formulas");
        assert_eq!(csv[2][1], "<b>Zoë</b> & \"Co\" 🎓");

        let report = report(&class).await;
        let sessions = report["sessions"].as_array().unwrap();
        let named = |s: &Value| s["start_time"].as_str().unwrap().replace('T', " ")[..16].to_owned();
        let mut head = vec!["Class Roll ID".to_owned(), "Student Name".into(), "University Roll No.".into()];
        head.extend(sessions.iter().map(named));
        head.extend(["Present", "Late", "Absent", "Excused", "Sessions", "%"].map(str::to_owned));
        assert_eq!(csv[0], head);

        let csv = unguarded(csv);
        let xlsx = xlsx_rows(&class.teacher.get(&path).await, "Class Roll ID");
        assert_eq!(csv.len(), xlsx.len());
        let students = report["students"].as_array().unwrap();
        for (place, student) in students.iter().enumerate() {
            let (csv, xlsx) = (&csv[place + 1], &xlsx[place + 1]);
            assert_eq!(csv[0], student["class_roll_id"].to_string());
            assert_eq!(
                (&csv[1], &csv[2]),
                (&field(student, "student_name"), &field(student, "university_roll_no"))
            );
            let cells = report["cells"].as_array().unwrap();
            for (column, session) in sessions.iter().enumerate() {
                let cell = cells.iter().find(|cell| cell[0] == session["id"] && cell[1] == student["id"]);
                let letter = cell.map_or("–", |cell| cell[2].as_str().unwrap());
                assert_eq!((csv[3 + column].as_str(), xlsx[3 + column].as_str()), (letter, letter));
            }
            let total = &report["totals"][place];
            for (column, name) in ["present", "late", "absent", "excused", "total"].into_iter().enumerate() {
                let at = 3 + sessions.len() + column;
                assert_eq!((&csv[at], &xlsx[at]), (&total[name].to_string(), &total[name].to_string()));
            }
            let percentage = total["percentage"].as_f64().unwrap();
            assert!((decimal(csv.last().unwrap()) - percentage).abs() < 1e-9);
            assert!((decimal(xlsx.last().unwrap()) - percentage).abs() < 1e-9);
        }
        // Administrators get the same of any course; other teachers get nothing.
        let admin = admin_of(&server).await;
        let path = format!("/api/admin/report/register/{}", class.course);
        assert_eq!(unguarded(csv_rows(&admin.get(&format!("{path}?format=csv")).await)), csv);
        assert_eq!(xlsx_rows(&admin.get(&path).await, "Class Roll ID"), xlsx);
        admin.get(&format!("{path}?format=pdf")).await.refused(400, "bad_query");
    })
    .await;
}

fn field(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_session_as_a_file() {
    for_both(async |server| {
        let class = taught(&server).await;
        let report = report(&class).await;
        for session in report["sessions"].as_array().unwrap() {
            let id = session["id"].as_str().unwrap();
            let detail = class.teacher.get(&format!("/api/teacher/session-detail/{id}")).await.ok();
            let path = format!("/api/teacher/report/session/{id}");
            let csv = unguarded(csv_rows(&class.teacher.get(&format!("{path}?format=csv")).await));
            let xlsx = xlsx_rows(&class.teacher.get(&path).await, "Class Roll ID");
            assert_eq!(csv, xlsx);
            let mut expected: Vec<Vec<String>> = ["present_students", "absent_students"]
                .iter()
                .flat_map(|list| detail[list].as_array().unwrap())
                .map(|row| {
                    let letter = match row["status"].as_str().unwrap() {
                        "present" => "P",
                        "late" => "L",
                        "excused" => "E",
                        _ => "A",
                    };
                    vec![
                        row["class_roll_id"].to_string(),
                        field(row, "student_name"),
                        field(row, "university_roll_no"),
                        letter.to_owned(),
                        field(row, "observed_at"),
                        field(row, "method"),
                        field(row, "reason"),
                    ]
                })
                .collect();
            expected.sort();
            let mut found: Vec<Vec<String>> = csv[1..].to_vec();
            for row in &mut found {
                assert!(row.remove(3).starts_with("EN"));
            }
            found.sort();
            assert_eq!(found, expected);
            let admin = admin_of(&server).await;
            let path = format!("/api/admin/report/session/{id}");
            assert_eq!(xlsx_rows(&admin.get(&path).await, "Class Roll ID"), xlsx);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_short_of_attendance_in_a_semester() {
    for_both(async |server| {
        // Ten sessions: the first student comes to all, the second to 7, the third to 5, the fourth to none.
        let mut class = server.class("CS101", 4).await;
        let admin = server.admin().await;
        let path = format!("/api/admin/students/{}", class.students[2].id);
        admin.put(&path, json!({"student_name": "=2+5"})).await.ok();
        for session in 0..10 {
            class.teacher = server.log_in_teacher(&class.taught_by).await;
            let id = class.start().await;
            for (student, times) in [(0, 10), (1, 7), (2, 5)] {
                if session < times {
                    let body = json!({"student_id": class.students[student].id, "status": "present"});
                    class.teacher.post(&format!("/api/teacher/session/{id}/mark"), body).await.ok();
                }
            }
            class.end(&id).await;
            server.advance(90 * MINUTE);
        }
        // Another semester's students aren't on the list, nor those who have left the course.
        server.class("OTHER", 1).await;

        let path = format!("/api/admin/report/shortage/{}", class.semester);
        let admin = admin_of(&server).await;
        let list = admin.get(&path).await.ok();
        assert_eq!((&list["total_count"], &list["min_attendance_requirement"]), (&json!(3), &json!(75)));
        let line = |list: &Value, place: usize| {
            let line = &list["students"][place];
            (
                line["percentage"].as_f64().unwrap(),
                line["status"].as_str().unwrap().to_owned(),
                line["sessions_needed"].as_i64(),
                line["can_recover"].as_bool(),
            )
        };
        assert_eq!(line(&list, 0), (70.0, "warning".into(), Some(2), None));
        assert_eq!(line(&list, 1), (50.0, "critical".into(), Some(10), None));
        assert_eq!(line(&list, 2), (0.0, "critical".into(), Some(30), None));
        // It agrees with what the course's teacher sees.
        let analytics = class.teacher.get(&format!("/api/teacher/analytics/{}", class.course)).await.ok();
        let at_risk = analytics["at_risk_students"].as_array().unwrap();
        for row in list["students"].as_array().unwrap() {
            let same = at_risk.iter().find(|other| other["student_id"] == row["student_id"]).unwrap();
            assert_eq!(same["sessions_needed"], row["sessions_needed"]);
            assert_eq!(same["attendance_percent"], row["percentage"]);
        }

        // With 10 sessions left, 15 of 20 are enough and 10 of 20 aren't.
        let list = admin.get(&format!("{path}?sessions_left=10")).await.ok();
        assert_eq!([0, 1, 2].map(|place| line(&list, place).3), [Some(true), Some(true), Some(false)]);
        let none = admin.get(&format!("{path}?sessions_left=1")).await.ok();
        assert_eq!([0, 1, 2].map(|place| line(&none, place).3), [Some(false); 3]);

        let head = [
            "University Roll No.",
            "Student Name",
            "Enrollment No.",
            "Course Code",
            "Course Name",
            "Class Roll ID",
            "Attended",
            "Sessions",
            "%",
            "Lectures Needed",
            "Can Recover",
        ];
        let csv = csv_rows(&admin.get(&format!("{path}?format=csv&sessions_left=10")).await);
        assert_eq!(csv[0], head);
        assert_eq!(csv[2][1], "'=2+5");
        let xlsx = xlsx_rows(&admin.get(&format!("{path}?format=xlsx&sessions_left=10")).await, head[0]);
        for (place, row) in list["students"].as_array().unwrap().iter().enumerate() {
            let expected = [
                field(row, "university_roll_no"),
                field(row, "student_name"),
                field(row, "enrollment_no"),
                field(row, "course_code"),
                field(row, "course_name"),
                row["class_roll_id"].to_string(),
                row["present_count"].to_string(),
                row["total_sessions"].to_string(),
                row["percentage"].as_f64().unwrap().to_string(),
                row["sessions_needed"].to_string(),
                if row["can_recover"] == true { "Yes" } else { "No" }.to_owned(),
            ];
            assert_eq!(xlsx[place + 1], expected);
            let mut csv = unguarded(csv.clone())[place + 1].clone();
            csv[8] = decimal(&csv[8]).to_string();
            assert_eq!(csv, expected);
        }
        admin.get(&format!("{path}?sessions_left=-1")).await.invalid("sessions_left");
        admin.get(&format!("/api/admin/report/shortage/{}", crate::NO_ID)).await.refused(404, "not_found");
    })
    .await;
}
