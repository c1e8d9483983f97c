-- Whether other students see a student on the leaderboard, and as whom: listed, hidden, or nothing when the student
-- hasn't chosen.
ALTER TABLE student ADD COLUMN leaderboard TEXT NOT NULL DEFAULT '';
ALTER TABLE student ADD COLUMN nickname TEXT NOT NULL DEFAULT '';
CREATE INDEX student_listed ON student (leaderboard, id);
