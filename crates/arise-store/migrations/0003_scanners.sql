-- What a scanner says of the fingers it knows, and a call that waits for it.

-- The slots that hold a finger, as a JSON array; nothing when it hasn't said.
ALTER TABLE device ADD COLUMN enrolled_slots TEXT;
-- Somebody looks for it: its next heartbeat is answered so, once.
ALTER TABLE device ADD COLUMN beep INTEGER NOT NULL DEFAULT 0;

-- Refused marks of which no session is known, by the time of the finger.
CREATE INDEX device_mark_unplaced ON device_mark ((coalesce(observed_at, received_at))) WHERE session_id IS NULL;
