-- Connectors: what outside systems sent us in their own words, and how far a first reading of a whole system has come.

-- A delivery of an outside system, as it came. It is durable before the sender has its answer, and is read afterwards.
-- What it says becomes events, whose identity (source, id) makes a repeated delivery harmless; hence no key of its own.
CREATE TABLE received (
    id           uuid PRIMARY KEY,
    -- The last step of the address that it came to.
    connector    text COLLATE "C" NOT NULL,
    received_at  timestamptz NOT NULL,
    -- What the sender said of the body that reading it depends on; no secret and no signature.
    about        json NOT NULL,
    body         bytea NOT NULL,
    -- waiting: to be read. done: everything it says was taken. dead: some of it could not be understood; `faults` says
    -- what, and putting it back reads all of it again, which changes nothing about what was taken.
    status       text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'done', 'dead')),
    due_at       timestamptz NOT NULL,
    attempts     integer NOT NULL DEFAULT 0,
    lease        bigint NOT NULL DEFAULT 0,
    -- By the database's clock, like every lease.
    leased_until timestamptz,
    ended_at     timestamptz,
    -- What became of its statements.
    accepted     integer NOT NULL DEFAULT 0 CHECK (accepted >= 0),
    duplicates   integer NOT NULL DEFAULT 0 CHECK (duplicates >= 0),
    ignored      integer NOT NULL DEFAULT 0 CHECK (ignored >= 0),
    faults       json,
    CONSTRAINT received_ended CHECK ((status = 'waiting') = (ended_at IS NULL)),
    CONSTRAINT received_faults CHECK ((status = 'dead') = (faults IS NOT NULL))
);

CREATE INDEX received_due ON received (due_at, id) WHERE status = 'waiting';
CREATE INDEX received_by_connector ON received (connector, id);
CREATE INDEX received_dead ON received (connector, id) WHERE status = 'dead';
-- For forgetting what is older than the retention of raw events.
CREATE INDEX received_ended_at ON received (ended_at) WHERE status = 'done';

-- How far the reading of a whole outside system has come; one row for each kind of object.
CREATE TABLE sync_progress (
    connector   text COLLATE "C" NOT NULL,
    object      text COLLATE "C" NOT NULL,
    started_at  timestamptz NOT NULL,
    -- Where the next page begins, in the system's own words; none before the first and after the last.
    cursor      text,
    pages       bigint NOT NULL DEFAULT 0 CHECK (pages >= 0),
    objects     bigint NOT NULL DEFAULT 0 CHECK (objects >= 0),
    -- How many there are, where the system says so.
    total       bigint,
    changed_at  timestamptz NOT NULL,
    finished_at timestamptz,
    last_error  text,
    PRIMARY KEY (connector, object),
    CONSTRAINT sync_progress_finished CHECK (finished_at IS NULL OR cursor IS NULL)
);
