use std::collections::HashMap;
use std::io::Cursor;

use arise_core::clock::{DAY, MINUTE};
use arise_testkit::server::{Class, TestServer, for_both};
use calamine::{Data, Range, Reader, Xlsx};
use serde_json::{Value, json};

/// Two sessions on two days, the second with a student more; every letter occurs.
pub(crate) async fn taught(server: &TestServer) -> Class {
    let mut class = server.class("CS101", 3).await;
    let admin = server.admin().await;
    let path = format!("/api/admin/students/{}", class.students[0].id);
    admin.put(&path, json!({"student_name": "=1+1", "university_roll_no": "+91"})).await.ok();
    let path = format!("/api/admin/students/{}", class.students[1].id);
    admin.put(&path, json!({"student_name": "<b>Zoë</b> & \"Co\" 🎓"})).await.ok();

    let scanner = server.scanner("A").await;
    let first = class.start().await;
    scanner.finger(1).await;
    server.advance(15 * MINUTE);
    scanner.finger(2).await;
    class.end(&first).await;

    server.advance(DAY);
    let joined = server.student("=HYPERLINK(\"http://x\")").await;
    class.students.push(joined);
    server.enrol(class.course, &mut class.students).await;
    class.teacher = server.log_in_teacher(&class.taught_by).await;
    let second = class.start().await;
    for (student, status) in [(0, "absent"), (1, "excused"), (3, "present")] {
        let body = json!({"student_id": class.students[student].id, "status": status});
        class.teacher.post(&format!("/api/teacher/session/{second}/mark"), body).await.ok();
    }
    class.end(&second).await;
    // An open session counts nowhere.
    server.advance(60 * MINUTE);
    let third = class.start().await;
    scanner.finger(1).await;
    assert_eq!(class.letters(&third).await, "P–––");
    class
}

pub(crate) async fn report(class: &Class) -> Value {
    class.teacher.get(&format!("/api/teacher/report/{}", class.course)).await.ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_register_of_a_course() {
    for_both(async |server| {
        let class = taught(&server).await;
        let report = report(&class).await;
        assert_eq!(report["sessions"].as_array().unwrap().len(), 2);
        assert_eq!(report["sessions"][0]["start_time"], "2026-03-09T10:00:00+05:30");
        let students = report["students"].as_array().unwrap();
        let numbers: Vec<i64> = students.iter().map(|s| s["class_roll_id"].as_i64().unwrap()).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
        assert_eq!(
            (&students[0]["student_name"], &students[0]["university_roll_no"]),
            (&json!("=1+1"), &json!("+91"))
        );

        let id = |n: usize| class.students[n].id;
        let (s1, s2) = (&report["sessions"][0]["id"], &report["sessions"][1]["id"]);
        let cells = |set: &Value| {
            let mut cells: Vec<String> = set.as_array().unwrap().iter().map(Value::to_string).collect();
            cells.sort();
            cells
        };
        assert_eq!(
            cells(&report["cells"]),
            cells(&json!([
                [s1, id(0), "P"],
                [s1, id(1), "L"],
                [s1, id(2), "A"],
                [s2, id(0), "A"],
                [s2, id(1), "E"],
                [s2, id(2), "A"],
                [s2, id(3), "P"],
            ]))
        );
        assert_eq!(cells(&report["present_set"]), cells(&json!([[s1, id(0)], [s1, id(1)], [s2, id(3)]])));
        // Only who was marked absent by somebody.
        assert_eq!(cells(&report["absent_set"]), cells(&json!([[s2, id(0)]])));
        let total = |n: usize, present: i64, late: i64, absent: i64, excused: i64, percentage: f64| {
            json!({
                "student_id": id(n), "present": present, "late": late, "absent": absent, "excused": excused,
                "total": present + late + absent, "percentage": percentage,
            })
        };
        assert_eq!(
            report["totals"],
            json!([
                total(0, 1, 0, 1, 0, 50.0),
                total(1, 0, 1, 0, 1, 100.0),
                total(2, 0, 0, 2, 0, 0.0),
                total(3, 1, 0, 0, 0, 100.0)
            ])
        );
    })
    .await;
}

fn text(sheet: &Range<Data>, row: u32, column: u32) -> String {
    match sheet.get_value((row, column)) {
        Some(Data::String(text)) => text.clone(),
        other => panic!("cell {row},{column} isn't text: {other:?}"),
    }
}

fn number(sheet: &Range<Data>, row: u32, column: u32) -> f64 {
    match sheet.get_value((row, column)) {
        Some(Data::Float(number)) => *number,
        other => panic!("cell {row},{column} isn't a number: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_workbook_says_what_the_report_says() {
    for_both(async |server| {
        let class = taught(&server).await;
        let report = report(&class).await;
        let answer = class.teacher.get(&format!("/api/teacher/report/export/{}", class.course)).await;
        assert_eq!(answer.status, 200);
        let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        assert_eq!(answer.header("content-type"), kind);
        assert_eq!(
            answer.header("content-disposition"),
            "attachment; filename=\"attendance-CS101-2026-03-10.xlsx\""
        );

        let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(answer.bytes)).unwrap();
        assert_eq!(book.worksheet_formula("Register").unwrap().used_cells().count(), 0);
        let sheet = book.worksheet_range("Register").unwrap();
        assert_eq!(text(&sheet, 0, 0), "CS101 Course CS101");
        let head: Vec<String> = (0..11).map(|column| text(&sheet, 3, column)).collect();
        assert_eq!(head[..3], ["Class Roll ID", "Student Name", "University Roll No."]);
        assert_eq!(head[3..5], ["2026-03-09\n10:00", "2026-03-10\n10:15"]);
        assert_eq!(head[5..], ["Present", "Late", "Absent", "Excused", "Sessions", "%"]);

        let cells: HashMap<(String, String), String> = report["cells"]
            .as_array()
            .unwrap()
            .iter()
            .map(|cell| {
                let word = |n: usize| cell[n].as_str().unwrap().to_owned();
                ((word(0), word(1)), word(2))
            })
            .collect();
        let students = report["students"].as_array().unwrap();
        for ((row, student), total) in (4..).zip(students).zip(report["totals"].as_array().unwrap()) {
            assert_eq!(number(&sheet, row, 0), student["class_roll_id"].as_f64().unwrap());
            assert_eq!(text(&sheet, row, 1), student["student_name"]);
            assert_eq!(text(&sheet, row, 2), student["university_roll_no"]);
            for (column, session) in (3..).zip(report["sessions"].as_array().unwrap()) {
                let key =
                    (session["id"].as_str().unwrap().to_owned(), student["id"].as_str().unwrap().to_owned());
                assert_eq!(text(&sheet, row, column), cells.get(&key).map_or("–", String::as_str));
            }
            let totals = ["present", "late", "absent", "excused", "total", "percentage"];
            for (column, name) in (5..).zip(totals) {
                assert_eq!(number(&sheet, row, column), total[name].as_f64().unwrap(), "{name}");
            }
        }
        // Nothing besides.
        assert_eq!(sheet.end(), Some((3 + u32::try_from(students.len()).unwrap(), 10)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_course_without_anything_has_a_workbook_too() {
    for_both(async |server| {
        let class = server.class("C/1 \"ä\"", 0).await;
        assert_eq!(report(&class).await["students"], json!([]));
        let answer = class.teacher.get(&format!("/api/teacher/report/export/{}", class.course)).await;
        assert_eq!(
            answer.header("content-disposition"),
            "attachment; filename=\"attendance-C_1____-2026-03-09.xlsx\""
        );
        let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(answer.bytes)).unwrap();
        assert_eq!(text(&book.worksheet_range("Register").unwrap(), 0, 0), "C/1 \"ä\" Course C/1 \"ä\"");
    })
    .await;
}
