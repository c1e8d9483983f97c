-- Fields with several values, of edits that didn't know of each other. Derived from the records.
CREATE TABLE conflict (
    entity BLOB NOT NULL,
    subject BLOB NOT NULL,
    kind TEXT NOT NULL,
    field TEXT NOT NULL,
    PRIMARY KEY (entity, subject, kind, field)
) STRICT, WITHOUT ROWID;
