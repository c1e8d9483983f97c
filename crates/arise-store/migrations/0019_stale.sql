-- What is left of sums that were put off, once `stale` is empty: students of whom the standings over several courses
-- aren't counted yet, and then courses of which their own sums aren't.
CREATE TABLE stale_student (
    student_id BLOB PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE stale_course (
    course_id BLOB PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;
