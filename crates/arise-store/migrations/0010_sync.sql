-- How far this node is with the hub; on the hub itself, how far the numbering is. One row.
CREATE TABLE sync (
    -- The last number known here, and the hash chain up to it. Nothing before the first.
    gsn INTEGER NOT NULL,
    chain BLOB,
    -- The hub's time, in microseconds. It only rises, whatever its clock does.
    hub_time INTEGER NOT NULL,
    -- The highest stamp that a hub gave a record known here.
    eff INTEGER NOT NULL,
    -- No record of this node with this stamp or an earlier one waits for a number.
    walked INTEGER NOT NULL,
    -- Given by the hub with its last answer, and shown with the next request.
    token BLOB,
    -- The id this node had until it was told that there is a copy of it.
    formerly BLOB,
    -- When the hub last answered, and how many records it then had.
    synced_at INTEGER,
    hub_gsn INTEGER NOT NULL
) STRICT;
INSERT INTO sync (gsn, hub_time, eff, walked, hub_gsn) VALUES (0, 0, 0, 0, 0);

-- On the hub: the nodes that exchange records with it.
CREATE TABLE peer (
    id BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    -- Ed25519.
    public_key BLOB,
    joined_at INTEGER NOT NULL,
    revoked_at INTEGER,
    -- The id it had before it was told that there is a copy of it.
    formerly BLOB,
    -- The tokens it may show: that of the last answer, or the one before if that answer was lost.
    token BLOB,
    token_before BLOB,
    -- When it last asked, which number it then had, and how many of its records waited.
    seen_at INTEGER,
    gsn INTEGER NOT NULL,
    waiting INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- On the hub: records that nodes sent and that can't be taken. They are neither dropped nor in the way.
CREATE TABLE quarantine (
    id BLOB PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    entity BLOB NOT NULL,
    subject BLOB NOT NULL,
    body TEXT NOT NULL,
    parents BLOB NOT NULL,
    actor BLOB NOT NULL,
    reason TEXT,
    node BLOB NOT NULL,
    boot INTEGER NOT NULL,
    hlc INTEGER NOT NULL,
    wall_at INTEGER NOT NULL,
    wall_quality INTEGER NOT NULL,
    -- Which node sent it, when, and why it can't be taken.
    peer BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    code TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- On a node: its records that are in the hub's quarantine.
CREATE TABLE refused (
    id BLOB PRIMARY KEY NOT NULL,
    refused_at INTEGER NOT NULL,
    code TEXT NOT NULL
) STRICT, WITHOUT ROWID;
