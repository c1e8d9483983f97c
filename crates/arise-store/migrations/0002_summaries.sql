-- Sums of the tallies, so that a dashboard reads a few rows however many marks there are. All are derived.

-- The student's sessions that the tally counts, one letter each (P, L, A, E), in the order of (starts_at, id).
ALTER TABLE course_tally ADD COLUMN history TEXT NOT NULL DEFAULT '';

-- Runs of attended sessions: the one that goes on (0 after an absence), the latest and the longest.
ALTER TABLE course_tally ADD COLUMN ongoing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE course_tally ADD COLUMN current_streak INTEGER NOT NULL DEFAULT 0;
ALTER TABLE course_tally ADD COLUMN longest_streak INTEGER NOT NULL DEFAULT 0;

-- The sessions that count, with all that a list shows: of a course in the order of the letters above, and of
-- a day. What they are chosen by is among the columns, so that the rows themselves aren't read.
CREATE INDEX session_counted ON session
    (course_id, settled, archived, starts_at, id, held_on, ends_at, session_type, topic);
CREATE INDEX session_day ON session (held_on, settled, archived, course_id, session_type);
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
    -- The best of their courses.
    current_streak INTEGER NOT NULL,
    longest_streak INTEGER NOT NULL,
    PRIMARY KEY (scope, student_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX standing_rank ON standing (scope, hundredths, attended);
CREATE INDEX standing_lowest ON standing (scope, lowest);

-- How many students of a scope have their lowest course at each whole percentage; -1 is for those of whom no
-- session has counted.
CREATE TABLE standing_spread (
    scope BLOB NOT NULL,
    lowest INTEGER NOT NULL,
    students INTEGER NOT NULL,
    PRIMARY KEY (scope, lowest)
) STRICT, WITHOUT ROWID;

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
