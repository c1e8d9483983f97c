//! `arise import arise-v1` from the command line.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test that calls it")]

use std::path::Path;
use std::process::{Command, Output};

use arise_testkit::older_system::OlderSystem;
use tempfile::TempDir;

fn import(folder: &Path, file: &str, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_arise"))
        .args(["import", "arise-v1", file, "--data", "data"])
        .args(more)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The numbers of a table's line.
fn line(output: &Output, table: &str) -> Vec<usize> {
    let text = text(output);
    let line =
        text.lines().find(|line| line.starts_with(table)).unwrap_or_else(|| panic!("no {table}: {text}"));
    line.split_whitespace().skip(1).map(|number| number.parse().unwrap()).collect()
}

#[test]
fn a_file_is_tried_imported_and_imported_again() {
    let folder = TempDir::new().unwrap();
    drop(OlderSystem::college(&folder.path().join("old.db")));

    let tried = import(folder.path(), "old.db", &["--dry-run"]);
    assert!(tried.status.success(), "{}", text(&tried));
    assert!(text(&tried).contains("Nothing was changed: this was a dry run."), "{}", text(&tried));
    let done = import(folder.path(), "old.db", &[]);
    assert!(done.status.success(), "{}", text(&done));
    assert_eq!(line(&tried, "attendance_records"), line(&done, "attendance_records"));
    // One mark is of a session that the machine's clock decides about.
    let marks = line(&done, "attendance_records");
    assert_eq!((marks[0], marks[1] + marks[7], marks[5], marks[6]), (21, 14, 3, 4));
    assert_eq!(line(&done, "students"), [4, 4, 0, 0, 0, 0, 0, 0]);
    assert!(text(&done).contains("sessions 4, course_id: Course 77 doesn't exist"), "{}", text(&done));

    let again = import(folder.path(), "old.db", &[]);
    assert!(text(&again).contains("Nothing is new. Nothing was changed."), "{}", text(&again));
    assert_eq!(line(&again, "attendance_records")[1..4], [0, 0, marks[1]]);
}

#[test]
fn files_that_cannot_be_trusted_are_refused_in_plain_words() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("list.csv"), "student_name\n").unwrap();
    drop(OlderSystem::college(&folder.path().join("old.db")));
    std::fs::write(folder.path().join("old.db-wal"), "not written back yet").unwrap();
    for (file, words) in [
        ("list.csv", "isn't a whole database of the older system"),
        ("none.db", "can't be read"),
        ("old.db", "Stop the older server"),
    ] {
        let refused = import(folder.path(), file, &[]);
        assert!(!refused.status.success(), "{file}");
        assert!(text(&refused).contains(words), "{file}: {}", text(&refused));
    }
}

#[test]
fn what_came_in_goes_out_as_csv() {
    let folder = TempDir::new().unwrap();
    OlderSystem::college(&folder.path().join("old.db"))
        .sql("UPDATE students SET student_name = '=1+1' WHERE id = 3");
    assert!(import(folder.path(), "old.db", &[]).status.success());
    let export = || {
        Command::new(env!("CARGO_BIN_EXE_arise"))
            .args(["export", "out", "--data", "data"])
            .current_dir(folder.path())
            .env_clear()
            .output()
            .unwrap()
    };
    let done = export();
    assert!(done.status.success(), "{}", text(&done));
    let rows = |name: &str| {
        let text = std::fs::read_to_string(folder.path().join("out").join(name)).unwrap();
        let text = text.strip_prefix('\u{feff}').unwrap().to_owned();
        let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
        let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let rows: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        (head, rows)
    };
    let (head, students) = rows("students.csv");
    assert_eq!(head[..3], ["id", "student_name", "university_roll_no"]);
    let mut names: Vec<&str> = students.iter().map(|row| row[1].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["'=1+1", "<b>Zoë</b>", "Asha", "Nowhere"]);
    let (_, sessions) = rows("sessions.csv");
    assert!(sessions.iter().any(|row| row[3] == "2025-09-29T11:12:59+05:30" && row[7] == "Trees & graphs"));
    // Every mark's session and student are in the other files.
    let (_, attendance) = rows("attendance.csv");
    assert!(attendance.len() >= 13);
    for mark in &attendance {
        assert!(sessions.iter().any(|row| row[0] == mark[0]) && students.iter().any(|row| row[0] == mark[1]));
        assert!(["present", "absent"].contains(&mark[2].as_str()), "{mark:?}");
    }
    let (_, enrolments) = rows("enrolments.csv");
    assert!(enrolments.iter().any(|row| row[2] == "2025-09-29" && row[3].is_empty()));
    let all = std::fs::read_dir(folder.path().join("out")).unwrap();
    for file in all {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!text.contains("$2b$") && !text.contains(arise_testkit::older_system::SHA_OF_123456));
    }
    // Nothing is overwritten.
    let again = export();
    assert!(!again.status.success() && text(&again).contains("isn't empty"), "{}", text(&again));
}
