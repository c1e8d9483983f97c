-- Imports of files, as this node ran them. Rows of the file are records; this only says how far one is.
CREATE TABLE import_job (
    id BLOB PRIMARY KEY NOT NULL,
    -- students or arise_v1.
    kind TEXT NOT NULL,
    actor BLOB NOT NULL,
    -- running, done or failed.
    state TEXT NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    -- The answer, as JSON, once it is done or failed.
    result TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which of our rows an older server's row was recognised as. Those not in here have the id that follows from
-- the older server's name, the table and the older id.
CREATE TABLE import_link (
    node BLOB NOT NULL,
    kind TEXT NOT NULL,
    old_id INTEGER NOT NULL,
    entity BLOB NOT NULL,
    PRIMARY KEY (node, kind, old_id)
) STRICT, WITHOUT ROWID;
