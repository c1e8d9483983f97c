-- On the hub: the courses whose records a node is given, as a JSON array of ids; nothing is all of them.
ALTER TABLE peer ADD COLUMN courses TEXT;
-- The teachers it was given when it last asked, likewise.
ALTER TABLE peer ADD COLUMN teachers TEXT;
-- Another number whenever it is to be given something else than before.
ALTER TABLE peer ADD COLUMN scope INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_place ADD COLUMN courses TEXT;

-- On a node: the hub's number of the scope under which its position was counted, and the courses of that scope.
ALTER TABLE sync ADD COLUMN scope INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sync ADD COLUMN courses TEXT;
