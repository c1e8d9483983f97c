-- The Ed25519 keys with which this node signs, by the id it had then. The hub has one too.
CREATE TABLE node_key (
    node BLOB PRIMARY KEY NOT NULL,
    secret BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- On a node: the hub it joined. At most one row.
CREATE TABLE hub (
    url TEXT NOT NULL,
    -- Its Ed25519 key, so that no other machine can answer in its name.
    public_key BLOB NOT NULL,
    joined_at INTEGER NOT NULL
) STRICT;

-- On the hub: the places made for nodes, each taken once with a code.
CREATE TABLE node_place (
    id BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- What the code is found by, and the key that both sides prove to have without sending it.
    code_print TEXT NOT NULL,
    code_key BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    -- The node that took it.
    peer BLOB
) STRICT, WITHOUT ROWID;

-- Of a node's signed requests, the last counter. It only rises.
ALTER TABLE peer ADD COLUMN counter INTEGER NOT NULL DEFAULT 0;
