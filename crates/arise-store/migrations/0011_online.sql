-- Online classes run on the hub, and what opens them never leaves it: the records only say that a session
-- was online.

CREATE TABLE online_class (
    session_id BLOB PRIMARY KEY NOT NULL,
    -- In the link that students are given.
    token TEXT NOT NULL,
    otp_seed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX online_class_token ON online_class (token);

INSERT INTO online_class (session_id, token, otp_seed)
    SELECT id, session_token, otp_seed FROM session WHERE session_token IS NOT NULL AND otp_seed IS NOT NULL;
DROP INDEX session_token;
ALTER TABLE session DROP COLUMN session_token;
ALTER TABLE session DROP COLUMN otp_seed;

-- Wrong codes for a student in an online class, whatever address they came from.
CREATE TABLE online_failure (
    session_id BLOB NOT NULL,
    student_id BLOB NOT NULL,
    failures INTEGER NOT NULL,
    allowed_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, student_id)
) STRICT, WITHOUT ROWID;

-- Where a mark by code came from, for what the teacher is told of it. Kept for a month.
CREATE TABLE online_mark (
    session_id BLOB NOT NULL,
    student_id BLOB NOT NULL,
    device BLOB,
    address TEXT NOT NULL,
    marked_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, student_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX online_mark_at ON online_mark (marked_at);
