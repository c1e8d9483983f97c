-- Sums of the tallies, so that a dashboard reads a few rows however many marks there are. All are derived.

-- The student's sessions that the tally counts, one letter each (P, L, A, E), in the order of (starts_at, id).
ALTER TABLE course_tally ADD COLUMN history TEXT NOT NULL DEFAULT '';

-- The sessions that count, in the order of the letters above, and by day.
CREATE INDEX session_counted ON session (course_id, starts_at, id, held_on) WHERE settled = 1 AND archived = 0;
CREATE INDEX session_day ON session (held_on, course_id, session_type) WHERE settled = 1 AND archived = 0;

CREATE INDEX student_live ON student (id) WHERE archived = 0;

-- How those stand who belong to a course now: in the course, in a semester, and in all (a scope of zeros).
CREATE TABLE standing (
    scope BLOB NOT NULL,
    student_id BLOB NOT NULL,
    attended INTEGER NOT NULL,
    total INTEGER NOT NULL,
    -- attended of total, rounded, to sort by.
    hundredths INTEGER NOT NULL,
    -- The smallest share of one of their present courses, rounded down, so that comparing it with a whole
    -- percentage is exact; nothing when no session has counted.
    lowest INTEGER,
    PRIMARY KEY (scope, student_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX standing_rank ON standing (scope, hundredths, attended);
CREATE INDEX standing_lowest ON standing (scope, lowest);

-- How the counted sessions of a day went, in a semester and in all.
CREATE TABLE day_tally (
    scope BLOB NOT NULL,
    held_on TEXT NOT NULL,
    session_type TEXT NOT NULL,
    sessions INTEGER NOT NULL,
    attended INTEGER NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (scope, held_on, session_type)
) STRICT, WITHOUT ROWID;

-- A course in numbers.
CREATE TABLE course_summary (
    course_id BLOB PRIMARY KEY NOT NULL,
    -- Who belongs to it now.
    enrolled INTEGER NOT NULL,
    sessions INTEGER NOT NULL,
    attended INTEGER NOT NULL,
    total INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Courses and days of which a session was counted, but not yet in the sums above.
CREATE TABLE stale (
    course_id BLOB NOT NULL,
    held_on TEXT NOT NULL,
    PRIMARY KEY (course_id, held_on)
) STRICT, WITHOUT ROWID;
