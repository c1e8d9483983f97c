-- Whose finger is in which slot of a scanner's sensor.

-- Whether the slots belong to students; else two slots to a class roll id.
ALTER TABLE device ADD COLUMN slot_map INTEGER NOT NULL DEFAULT 0;
-- How many slots the sensor has; nothing when the scanner hasn't said.
ALTER TABLE device ADD COLUMN slot_capacity INTEGER;
CREATE TABLE device_slot (
    device_id BLOB NOT NULL,
    slot INTEGER NOT NULL,
    student_id BLOB NOT NULL,
    PRIMARY KEY (device_id, slot)
) STRICT, WITHOUT ROWID;

-- A refused mark of a slot that belongs to nobody has no class roll id.
ALTER TABLE device_mark ADD COLUMN slot INTEGER;
