-- One text for both engines. It is written with SQLite's type names; for PostgreSQL the store renders
-- INTEGER as BIGINT, BLOB as BYTEA, REAL as DOUBLE PRECISION and drops STRICT and WITHOUT ROWID.
-- Replicated tables have no foreign keys and no unique constraints besides their key: two nodes may both
-- have made what a person would call the same thing, and both must stay until somebody merges them.

-- This node. One row.
CREATE TABLE node (
    id BLOB PRIMARY KEY NOT NULL,
    boot INTEGER NOT NULL,
    -- The highest stamp known, in microseconds.
    hlc INTEGER NOT NULL,
    -- Signs the tokens of logged-in people, unless SECRET_KEY is set.
    signing_key BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- The records. Everything replicated below is a fold of these.
CREATE TABLE op (
    id BLOB PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    entity BLOB NOT NULL,
    subject BLOB NOT NULL,
    body TEXT NOT NULL,
    parents BLOB NOT NULL,
    actor BLOB NOT NULL,
    reason TEXT,
    node BLOB NOT NULL,
    boot INTEGER NOT NULL,
    hlc INTEGER NOT NULL,
    wall_at INTEGER NOT NULL,
    wall_quality INTEGER NOT NULL,
    gsn INTEGER,
    eff INTEGER,
    chain BLOB
) STRICT, WITHOUT ROWID;
-- The records of a cell. Marks aren't in it: attendance names theirs, and a mark then touches one page less.
CREATE INDEX op_cell ON op (entity, subject) WHERE kind <> 'mark';
CREATE UNIQUE INDEX op_gsn ON op (gsn) WHERE gsn IS NOT NULL;

-- The version of the code that derived the tables below from the records. One row.
CREATE TABLE derived (
    version INTEGER NOT NULL
) STRICT;

CREATE TABLE semester (
    id BLOB PRIMARY KEY NOT NULL,
    semester_name TEXT NOT NULL,
    archived INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE teacher (
    id BLOB PRIMARY KEY NOT NULL,
    teacher_name TEXT NOT NULL,
    teacher_code TEXT NOT NULL,
    pin_hash TEXT NOT NULL,
    archived INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX teacher_code ON teacher (lower(teacher_code));

CREATE TABLE student (
    id BLOB PRIMARY KEY NOT NULL,
    student_name TEXT NOT NULL,
    university_roll_no TEXT NOT NULL,
    enrollment_no TEXT NOT NULL,
    email1 TEXT NOT NULL,
    email2 TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    archived INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX student_roll ON student (lower(university_roll_no));
CREATE INDEX student_enrollment ON student (lower(enrollment_no));

CREATE TABLE course (
    id BLOB PRIMARY KEY NOT NULL,
    course_name TEXT NOT NULL,
    course_code TEXT NOT NULL,
    default_duration_minutes INTEGER NOT NULL,
    semester_id BLOB,
    teacher_id BLOB,
    archived INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX course_code ON course (lower(course_code));
CREATE INDEX course_teacher ON course (teacher_id);
CREATE INDEX course_semester ON course (semester_id);

-- One row for each stretch of dates; until_on is the first day on which the student doesn't belong.
CREATE TABLE enrolment (
    course_id BLOB NOT NULL,
    student_id BLOB NOT NULL,
    from_on TEXT NOT NULL,
    until_on TEXT,
    class_roll_id INTEGER NOT NULL,
    PRIMARY KEY (course_id, student_id, from_on)
) STRICT, WITHOUT ROWID;
-- All that a scanner's finger needs of it.
CREATE INDEX enrolment_roll ON enrolment (course_id, class_roll_id, from_on, until_on);
CREATE INDEX enrolment_student ON enrolment (student_id, course_id, from_on, until_on, class_roll_id);

CREATE TABLE session (
    id BLOB PRIMARY KEY NOT NULL,
    course_id BLOB NOT NULL,
    teacher_id BLOB,
    session_type TEXT NOT NULL,
    topic TEXT NOT NULL,
    held_on TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    grace_ms INTEGER NOT NULL,
    late_after_ms INTEGER NOT NULL,
    ended_at INTEGER,
    -- ended_at, else ends_at + grace_ms.
    closes_at INTEGER NOT NULL,
    device_id BLOB,
    session_token TEXT,
    otp_seed BLOB,
    archived INTEGER NOT NULL,
    -- Whether the tallies below count it.
    settled INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_course ON session (course_id, starts_at);
-- What a scanner's finger looks up: the open sessions, and which scanner each chose.
CREATE INDEX session_closes ON session (closes_at, device_id);
CREATE INDEX session_unsettled ON session (closes_at) WHERE settled = 0 AND archived = 0;
CREATE INDEX session_token ON session (session_token) WHERE session_token IS NOT NULL;

-- The current mark of a student in a session, and the ids of all its records. Without a status nothing says
-- anything any more.
CREATE TABLE attendance (
    session_id BLOB NOT NULL,
    student_id BLOB NOT NULL,
    status TEXT,
    source TEXT,
    reason TEXT,
    observed_at INTEGER,
    recorded_at INTEGER,
    -- 16 bytes each, in their order.
    ops BLOB NOT NULL,
    PRIMARY KEY (session_id, student_id)
) STRICT, WITHOUT ROWID;

-- How a settled session went, over those enrolled on its day.
CREATE TABLE session_tally (
    session_id BLOB PRIMARY KEY NOT NULL,
    enrolled INTEGER NOT NULL,
    present INTEGER NOT NULL,
    late INTEGER NOT NULL,
    excused INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How a student stands in a course, over its settled sessions on days when they were enrolled.
CREATE TABLE course_tally (
    course_id BLOB NOT NULL,
    student_id BLOB NOT NULL,
    sessions INTEGER NOT NULL,
    present INTEGER NOT NULL,
    late INTEGER NOT NULL,
    excused INTEGER NOT NULL,
    PRIMARY KEY (course_id, student_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX course_tally_student ON course_tally (student_id);

CREATE TABLE setting (
    key TEXT PRIMARY KEY NOT NULL,
    -- JSON.
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- From here on: what belongs to this node alone and is never replicated.

CREATE TABLE admin (
    id BLOB PRIMARY KEY NOT NULL,
    username TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    must_change_password INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Failed logins of one account, whatever address they came from.
CREATE TABLE login_failure (
    account TEXT PRIMARY KEY NOT NULL,
    failures INTEGER NOT NULL,
    allowed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE device (
    id BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    room TEXT NOT NULL,
    mac_address TEXT NOT NULL,
    protocol TEXT NOT NULL,
    approved INTEGER NOT NULL,
    archived INTEGER NOT NULL,
    device_key BLOB,
    -- Rises with each pairing; marks of an earlier pairing keep their own numbers.
    pairing INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    -- Which numbers of its marks were answered, as ranges: 1..40,42..42.
    seen TEXT NOT NULL,
    pairing_code_hash TEXT,
    pairing_expires_at INTEGER,
    -- Where its last heartbeat came from; a scanner of the unsigned protocol may only mark from there.
    address TEXT NOT NULL,
    firmware TEXT NOT NULL,
    wifi_strength INTEGER,
    battery INTEGER,
    queue_count INTEGER,
    sync_count INTEGER,
    last_seen INTEGER,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX device_mac ON device (mac_address);

-- Numbered marks that a scanner was told anything but success of, so that a repeated one is told the same
-- and the teacher sees them. What the scanner's row says was answered and isn't here was a success.
CREATE TABLE device_mark (
    device_id BLOB NOT NULL,
    pairing INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    status TEXT NOT NULL,
    message TEXT NOT NULL,
    class_roll_id INTEGER,
    session_id BLOB,
    student_id BLOB,
    observed_at INTEGER,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (device_id, pairing, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_mark_refused ON device_mark (session_id) WHERE status <> 'success' AND status <> 'duplicate';

-- What happened on this node and is no record: logins, refused scanners, settings of the machine.
CREATE TABLE happening (
    id BLOB PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    action TEXT NOT NULL,
    entity TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT, WITHOUT ROWID;
