-- Conflicts that the service finds between outputs by itself, what a decision changes, and runs that are held.

ALTER TABLE programme_conflict
    -- The check that found it; none where somebody raised it. Then the files are the two outputs.
    ADD COLUMN found_by   text COLLATE "C",
    -- Files that the decision changes.
    ADD COLUMN change     text[] NOT NULL DEFAULT '{}',
    -- The check finds nothing any more.
    ADD COLUMN settled_at timestamptz;
UPDATE programme_conflict SET change = files WHERE decision IS NOT NULL;
ALTER TABLE programme_conflict
    ADD CONSTRAINT programme_conflict_change CHECK (
        change <@ files AND (decision IS NULL) = (cardinality(change) = 0)),
    ADD CONSTRAINT programme_conflict_settled CHECK (settled_at IS NULL OR found_by IS NOT NULL);
-- A check raises a conflict of two outputs once, until it is settled.
CREATE UNIQUE INDEX programme_conflict_found ON programme_conflict (programme_id, found_by, files)
    WHERE settled_at IS NULL;

ALTER TABLE plan
    -- Since when nobody is given a task of it, by whom, and why; none while it goes on.
    ADD COLUMN paused      json,
    -- How long it was held in all, in seconds, without the pause that goes on.
    ADD COLUMN paused_secs bigint NOT NULL DEFAULT 0 CONSTRAINT plan_paused_secs CHECK (paused_secs >= 0),
    ADD CONSTRAINT plan_paused CHECK (paused IS NULL OR status = 'running');
