//! Database files of the system that arise succeeds, as they are found in the field.

use std::path::Path;

use rusqlite::Connection;

/// 123456, as the older system hashed it first: SHA-256 without a salt.
pub const SHA_OF_123456: &str = "8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92";
/// 123456, as it hashed it later: bcrypt.
pub const BCRYPT_OF_123456: &str = "$2b$04$abcdefghijklmnopqrstuuFwMibPVIyV1/Vdxb3PVZCmM4bYxIada";

const SCHEMA: &str = "
CREATE TABLE admins (id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT UNIQUE NOT NULL, password TEXT NOT NULL);
CREATE TABLE semesters (id INTEGER PRIMARY KEY AUTOINCREMENT, semester_name TEXT UNIQUE NOT NULL);
CREATE TABLE teachers (id INTEGER PRIMARY KEY AUTOINCREMENT, teacher_name TEXT NOT NULL, pin TEXT NOT NULL,
    teacher_code TEXT);
CREATE TABLE students (id INTEGER PRIMARY KEY AUTOINCREMENT, university_roll_no TEXT UNIQUE NOT NULL,
    enrollment_no TEXT UNIQUE, student_name TEXT NOT NULL, password TEXT, email1 TEXT, email2 TEXT);
CREATE TABLE courses (id INTEGER PRIMARY KEY AUTOINCREMENT, semester_id INTEGER NOT NULL, teacher_id INTEGER,
    course_name TEXT NOT NULL, course_code TEXT UNIQUE NOT NULL, default_duration_minutes INTEGER DEFAULT 60,
    FOREIGN KEY (semester_id) REFERENCES semesters (id), FOREIGN KEY (teacher_id) REFERENCES teachers (id));
CREATE TABLE enrollments (student_id INTEGER NOT NULL, course_id INTEGER NOT NULL, class_roll_id INTEGER NOT NULL,
    PRIMARY KEY (student_id, course_id));
CREATE TABLE sessions (id INTEGER PRIMARY KEY AUTOINCREMENT, course_id INTEGER NOT NULL, start_time TEXT NOT NULL,
    end_time TEXT NOT NULL, is_active BOOLEAN DEFAULT 1, session_type TEXT DEFAULT 'offline', topic TEXT,
    session_token TEXT, otp_seed TEXT, created_on TEXT DEFAULT 'local');
CREATE TABLE attendance_records (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id INTEGER NOT NULL,
    student_id INTEGER NOT NULL, timestamp DATETIME DEFAULT CURRENT_TIMESTAMP, override_method TEXT,
    manual_reason TEXT);
CREATE TABLE system_settings (key TEXT PRIMARY KEY, value TEXT);
CREATE INDEX idx_attendance_session ON attendance_records (session_id);
";

/// Rows with everything that went wrong in the field. It is 2026-03-09 10:00 in India. What must become of
/// each row is in the comment after it.
const COLLEGE: &str = "
INSERT INTO admins VALUES (1, 'admin', '{bcrypt}'), (2, 'office', '{sha}');
INSERT INTO semesters VALUES (1, 'Semester 1'), (2, 'Two &amp; a half');
INSERT INTO teachers VALUES (1, 'Dr. O&#x27;Neill', '{bcrypt}', 'T1'),
    (2, 'No Code', '{sha}', NULL); -- T2
INSERT INTO students VALUES (1, 'UR1', 'EN1', 'Asha', '{bcrypt}', 'asha@college.edu.in', NULL),
    (2, 'UR2', 'EN2', '&lt;b&gt;Zoë&lt;/b&gt;', '{sha}', '', ''),
    (3, 'UR3', NULL, 'Plain', 'hunter2', 'nobody', ''), -- its password is no hash, its address none
    (4, 'UR4', 'EN4', 'Nowhere', '{sha}', '', '');
INSERT INTO courses VALUES (1, 1, 1, 'Data Structures', 'CS101', 60), (2, 2, NULL, 'Algebra', 'MA201', 45),
    (3, 99, 9, 'Physics', 'PH301', 60); -- without a semester and a teacher
INSERT INTO enrollments VALUES (1, 1, 1), (2, 1, 2), (3, 1, 2), -- shared
    (1, 2, 1), (9, 1, 4), (1, 77, 1); -- the last two point nowhere
INSERT INTO sessions (id, course_id, start_time, end_time, is_active, session_type, topic) VALUES
    (1, 1, '2025-09-29 05:42:59+00:00', '2025-09-29 12:12:59', 0, 'offline', 'Trees &amp; graphs'), -- 11:12:59
    (2, 1, '2026-03-05 10:00:00', '2026-03-05 11:00:00', 1, 'offline', NULL), -- not active: it is over
    (3, 1, '2026-03-06 10:00:00.476622', '2026-03-06 11:00:00.476622', 0, 'online', ''),
    (4, 77, '2026-03-06 12:00:00', '2026-03-06 13:00:00', 0, 'offline', ''), -- its course is nowhere
    (5, 1, 'nonsense', '2026-03-06 13:00:00', 0, 'offline', ''), -- left out
    (6, 1, '2026-03-07 09:00:00', '2026-03-07 08:00:00', 0, 'offline', ''), -- until 10:00
    (7, 1, '2026-03-09 09:30:00', '2026-03-09 10:30:00', 1, 'offline', ''), -- waits
    (8, 1, '2026-03-05 11:00:00', '2026-03-05 11:00:05', 0, 'offline', ''); -- nobody came
INSERT INTO attendance_records VALUES
    (1, 1, 1, '2025-09-29 05:50:00', NULL, NULL), -- UTC: 11:20
    (2, 1, 2, '2025-09-29 11:20:00.123456', 'biometric', NULL), -- local
    (3, 1, 1, '2025-09-29 05:55:00', 'biometric', NULL), -- a second one
    (4, 1, 3, '2025-09-29 11:30:00.500000', 'emergency_mode_absent', 'power cut'),
    (5, 2, 1, '2026-03-05 04:40:00', 'biometric_queue', NULL),
    (6, 2, 2, '2026-03-05 10:20:00', 'manual', 'finger &amp; scanner'),
    (7, 2, 3, '2026-03-05 10:20:00', 'teacher_manual', NULL),
    (8, 3, 1, '2026-03-06 04:40:00', 'online_otp', NULL),
    (9, 3, 2, '2026-03-08 09:00:00.000001', 'retroactive_manual', 'was ill'),
    (10, 3, 3, '2026-03-06 10:30:00', 'emergency_mode', NULL),
    (11, 3, 1, '2026-03-06 10:50:00', 'emergency_mode_absent', NULL), -- the last word: absent
    (12, 2, 4, '2026-03-05 04:45:00', 'biometric', NULL), -- not enrolled
    (13, 4, 1, '2026-03-06 06:40:00', 'biometric', NULL), -- left out with its session
    (14, 999, 1, '2026-03-06 06:40:00', 'biometric', NULL), -- no such session
    (15, 2, 99, '2026-03-05 04:45:00', 'biometric', NULL), -- no such student
    (16, 7, 1, '2026-03-09 04:10:00', 'biometric', NULL), -- waits
    (17, 6, 1, 'whenever', 'biometric', NULL), -- at the start
    (18, 6, 2, '2026-03-07 03:40:00', 'psychic', NULL), -- not known: present
    (19, 6, 3, '2026-03-07 09:10:00', 'emergency_mode_absent', NULL),
    (20, 6, 3, '2026-03-08 09:10:00.5', 'retroactive_manual', 'was there'), -- the last word: present
    (21, 5, 1, '2026-03-06 06:40:00', 'biometric', NULL); -- left out with its session
INSERT INTO system_settings VALUES ('batch_name', 'Batch of 2026'), ('theme', 'dark');
";

/// A database file that is being made up.
#[derive(Debug)]
pub struct OlderSystem(Connection);

impl OlderSystem {
    /// An empty one.
    ///
    /// # Panics
    /// When the file can't be made.
    pub fn empty(path: &Path) -> Self {
        let older = Self(Connection::open(path).expect("a new file"));
        older.sql("PRAGMA foreign_keys = OFF;");
        older.sql(SCHEMA);
        older
    }

    /// One of a small college, with rows of every kind.
    pub fn college(path: &Path) -> Self {
        let older = Self::empty(path);
        older.sql(&COLLEGE.replace("{sha}", SHA_OF_123456).replace("{bcrypt}", BCRYPT_OF_123456));
        older
    }

    /// One of a larger college: every student is in every course, and is there three times out of four.
    pub fn large(path: &Path, students: i64, courses: i64, sessions: i64) -> Self {
        let older = Self::empty(path);
        older.sql(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most}) \
             INSERT INTO students (id, university_roll_no, enrollment_no, student_name, password) \
                 SELECT i, 'UR' || i, 'EN' || i, 'Student ' || i, '{SHA_OF_123456}' FROM n WHERE i <= {students};
             INSERT INTO semesters VALUES (1, 'Semester 1');
             INSERT INTO teachers VALUES (1, 'Teacher', '{SHA_OF_123456}', 'T1');
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most}) \
             INSERT INTO courses SELECT i, 1, 1, 'Course ' || i, 'C' || i, 60 FROM n WHERE i <= {courses};
             INSERT INTO enrollments SELECT s.id, c.id, s.id FROM students s, courses c;
             WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {sessions}) \
             INSERT INTO sessions (course_id, start_time, end_time, is_active) \
                 SELECT c.id, datetime('2025-08-01 09:00:00', '+' || n.i || ' days', '+' || c.id || ' minutes'), \
                     datetime('2025-08-01 10:00:00', '+' || n.i || ' days', '+' || c.id || ' minutes'), 0 \
                 FROM n, courses c ORDER BY n.i, c.id;
             INSERT INTO attendance_records (session_id, student_id, timestamp, override_method) \
                 SELECT s.id, e.student_id, datetime(s.start_time, '-325 minutes'), 'biometric' \
                 FROM sessions s JOIN enrollments e ON e.course_id = s.course_id \
                 WHERE (s.id + e.student_id) % 4 <> 0;",
            most = students.max(courses),
        ));
        older
    }

    /// # Panics
    /// When a statement fails.
    pub fn sql(&self, statements: &str) {
        self.0.execute_batch(statements).expect("a statement that works");
    }
}
