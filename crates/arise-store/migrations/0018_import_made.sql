-- Whom an import of a list added, so that it can be taken back.
CREATE TABLE import_made (
    job BLOB NOT NULL,
    student BLOB NOT NULL,
    PRIMARY KEY (job, student)
) STRICT, WITHOUT ROWID;
