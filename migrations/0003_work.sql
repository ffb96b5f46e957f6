-- Work that the service does by itself: jobs and timers, and what leaves the process.
--
-- These are work tables: they are claimed across accounts, and so stay with the service when the account
-- tables are distributed. `due_at` is business time and compared with an instant that the service passes
-- in; `leased_until` is the database's own time, because it guards against workers whose clocks differ.

CREATE SEQUENCE work_lease;

CREATE TABLE job (
    id           bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT job_pkey PRIMARY KEY,
    kind         text NOT NULL,
    -- One row per kind and key: asking again moves the row instead of adding one.
    key          text COLLATE "C" NOT NULL,
    payload      json NOT NULL,
    lane         smallint NOT NULL CONSTRAINT job_lane CHECK (lane BETWEEN 0 AND 2),
    due_at       timestamptz NOT NULL,
    -- Asked for again while it was running: due then, once it is done.
    want_at      timestamptz,
    leased_until timestamptz,
    -- The fencing token of the present lease: whoever finishes with another token changes nothing.
    lease        bigint NOT NULL DEFAULT 0,
    attempts     integer NOT NULL DEFAULT 0,
    last_error   text,
    created_at   timestamptz NOT NULL,
    CONSTRAINT job_key UNIQUE (kind, key)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX job_due ON job (kind, lane, due_at);

-- Jobs that failed too often, with the reason; put back into the queue when the fault is mended.
CREATE TABLE job_dead (
    -- Made anew with each time that the job is set aside.
    id         uuid NOT NULL CONSTRAINT job_dead_id UNIQUE,
    kind       text NOT NULL,
    key        text COLLATE "C" NOT NULL,
    payload    json NOT NULL,
    attempts   integer NOT NULL,
    error      text NOT NULL,
    failed_at  timestamptz NOT NULL,
    CONSTRAINT job_dead_pkey PRIMARY KEY (kind, key)
);

-- What leaves the process, one row per effect. Written with the decision that causes it, sent later,
-- known to the receiver by its id, which never changes over retries.
CREATE TABLE delivery (
    account_id   text COLLATE "C" NOT NULL,
    id           uuid NOT NULL,
    -- The skill it calls, which is also its lane: a dead destination holds up no other.
    destination  text NOT NULL,
    decision_id  uuid NOT NULL,
    payload      json NOT NULL,
    -- recorded: no endpoint is configured for the destination; kept and visible, sent when asked for.
    status       text NOT NULL CONSTRAINT delivery_status
                 CHECK (status IN ('pending', 'retrying', 'delivered', 'dead', 'recorded')),
    attempts     integer NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL,
    leased_until timestamptz,
    lease        bigint NOT NULL DEFAULT 0,
    last_status  integer,
    last_error   text,
    created_at   timestamptz NOT NULL,
    delivered_at timestamptz,
    CONSTRAINT delivery_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT delivery_once UNIQUE (account_id, decision_id, destination),
    CONSTRAINT delivery_delivered CHECK ((status = 'delivered') = (delivered_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX delivery_due ON delivery (destination, due_at) WHERE status IN ('pending', 'retrying');
CREATE INDEX delivery_id ON delivery (id);
CREATE INDEX delivery_dead ON delivery (destination) WHERE status = 'dead';

-- Whether this database is a sandbox, from its first start on; and where a sandbox's clock stands.
CREATE TABLE service_mode (
    only_row    boolean NOT NULL DEFAULT true CONSTRAINT service_mode_pkey PRIMARY KEY
                CONSTRAINT service_mode_one CHECK (only_row),
    mode        text NOT NULL CONSTRAINT service_mode_known CHECK (mode IN ('live', 'sandbox')),
    sandbox_now timestamptz NOT NULL
);
