-- Which life of the node this is, and since when: another one begins whenever a backup takes the records' place.
ALTER TABLE node ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 1;
ALTER TABLE node ADD COLUMN restored_at INTEGER;
-- The backup that it began with.
ALTER TABLE node ADD COLUMN restored_from TEXT;

-- Logins are many, and have a bound of their own.
CREATE INDEX happening_login ON happening (id) WHERE action IN ('logged_in', 'login_refused');
