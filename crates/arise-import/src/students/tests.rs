use rust_xlsxwriter::Workbook;

use super::*;

fn rolls(list: &List) -> Vec<&str> {
    list.rows.iter().map(|(_, fields)| fields.university_roll_no.as_str()).collect()
}

fn codes(list: &List) -> Vec<(usize, &str, &str)> {
    list.problems.iter().map(|p| (p.row, p.column.as_str(), p.code)).collect()
}

#[test]
fn the_header_may_come_in_any_order_and_case() {
    let csv = "\u{feff}E-mail 1,UNIVERSITY ROLL NO.,Batch,student_name\r\na@b.in,UR1,2026,\"Nair, Meera\"\r\n\r\n,UR2,,\"O\"\"Neill\"\r\n";
    let list = read(csv.as_bytes()).unwrap();
    assert_eq!((list.total, rolls(&list)), (2, vec!["UR1", "UR2"]));
    assert_eq!(list.rows[0].1.student_name, "Nair, Meera");
    assert_eq!(list.rows[0].1.email1, "a@b.in");
    assert_eq!(
        list.rows[1],
        (
            4,
            StudentFields {
                student_name: "O\"Neill".into(),
                university_roll_no: "UR2".into(),
                ..StudentFields::default()
            }
        )
    );
    assert_eq!(list.ignored_columns, ["Batch"]);
}

#[test]
fn a_faulty_row_names_its_column_and_leaves_the_others() {
    let csv = "name,roll no,enrolment no,email\nA,UR1,E1,\n,UR2,E2,\nC,ur1,E3,\nD,UR4,e1,\nE,UR5,,nobody\nF,UR6,,,x\nG,\u{1}7,,\nH,UR8,,\n";
    let list = read(csv.as_bytes()).unwrap();
    assert_eq!((list.total, rolls(&list)), (8, vec!["UR1", "UR8"]));
    assert_eq!(
        codes(&list),
        [
            (3, "student_name", "invalid_field"),
            (4, "university_roll_no", "duplicate_in_file"),
            (5, "enrollment_no", "duplicate_in_file"),
            (6, "email1", "invalid_field"),
            (7, "", "invalid_field"),
            (8, "university_roll_no", "invalid_field"),
        ]
    );
    assert!(list.problems[1].message.contains("row 2"), "{}", list.problems[1].message);
}

#[test]
fn rows_are_numbered_as_a_spreadsheet_does() {
    let csv = "\n\nname,roll\n\n\"A\nB\",UR1\nC,UR2\n\nD,UR3";
    let list = read(csv.as_bytes()).unwrap();
    assert_eq!(list.rows.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [5, 6, 8]);
    let crlf = read(csv.replace('\n', "\r\n").as_bytes()).unwrap();
    assert_eq!(crlf.rows.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [5, 6, 8]);
}

#[test]
fn other_separators_and_utf_16() {
    let list = read("name;roll\nA, B;UR1\n".as_bytes()).unwrap();
    assert_eq!(list.rows[0].1.student_name, "A, B");
    let tabs = "name\troll\nनमस्ते\tUR1\n";
    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(tabs.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(read(&utf16).unwrap().rows[0].1.student_name, "नमस्ते");
}

#[test]
fn what_guards_against_formulas_is_taken_off() {
    let list = read(b"name,roll\n'=1+1,'+91\n'tis,UR2\n").unwrap();
    assert_eq!((list.rows[0].1.student_name.as_str(), rolls(&list)), ("=1+1", vec!["+91", "UR2"]));
    assert_eq!(list.rows[1].1.student_name, "'tis");
}

#[test]
fn a_workbook_is_read_like_csv() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, name) in ["Roll No", "Student Name", "Enrollment No"].into_iter().enumerate() {
        sheet.write_string(1, u16::try_from(column).unwrap(), name).unwrap();
    }
    sheet.write_number(2, 0, 2_201_001_234_567.0).unwrap();
    sheet.write_string(2, 1, "=1+1").unwrap();
    sheet.write_number(2, 2, 17.5).unwrap();
    sheet.write_string(4, 1, "No roll").unwrap();
    // Far away and ignored.
    sheet.write_string(1_048_575, 16_383, "x").unwrap();
    let list = read(&workbook.save_to_buffer().unwrap()).unwrap();
    assert_eq!(rolls(&list), ["2201001234567"]);
    assert_eq!(
        (list.rows[0].1.student_name.as_str(), list.rows[0].1.enrollment_no.as_str()),
        ("=1+1", "17.5")
    );
    assert_eq!(codes(&list), [(5, "university_roll_no", "invalid_field")]);
}

#[test]
fn a_workbook_that_unpacks_without_end_is_refused() {
    let mut bomb = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    bomb.start_file("xl/worksheets/sheet1.xml", zip::write::SimpleFileOptions::default()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..100 {
        std::io::Write::write_all(&mut bomb, &zeros).unwrap();
    }
    let bytes = bomb.finish().unwrap().into_inner();
    assert!(bytes.len() < 1 << 20);
    assert_eq!(read(&bytes).unwrap_err().code, "too_large");
}

#[test]
fn what_is_no_list_is_refused() {
    for (bytes, code) in [
        (&b"PK\x03\x04 not a workbook"[..], "not_a_list"),
        (&[0xD0, 0xCF, 0x11, 0xE0, 0, 0], "not_a_list"),
        (&[0xFF, 0x00, 0x80], "not_a_list"),
        (b"", "missing_column"),
        (b"name,email\nA,a@b.in\n", "missing_column"),
        (b"name,roll,Student Name\n", "invalid_field"),
        (b"SQLite format 3\0", "missing_column"),
    ] {
        assert_eq!(read(bytes).unwrap_err().code, code, "{bytes:?}");
    }
    let many = format!("name,roll\n{}", "A,B\n".repeat(MAX_ROWS + 1));
    assert_eq!(read(many.as_bytes()).unwrap_err().code, "too_large");
    assert_eq!(read(&vec![b'x'; MAX_BYTES + 1]).unwrap_err().code, "too_large");
}
