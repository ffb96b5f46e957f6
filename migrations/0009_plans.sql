-- Plans: documents in versions, and how far the running ones have come.

-- One plan. Whoever changes it, its tasks or its gates holds this row until the commit; a task alone is taken without it.
-- A plan that belongs to no account stands under `@system`, as configuration does in the audit log.
CREATE TABLE plan (
    account_id text COLLATE "C" NOT NULL,
    id         uuid NOT NULL,
    kind       text NOT NULL CONSTRAINT plan_kind CHECK (kind IN ('handoff_design', 'renewal', 'programme')),
    status     text NOT NULL CONSTRAINT plan_status CHECK (status IN ('draft', 'running', 'done', 'cancelled')),
    objective  text NOT NULL,
    -- The version that counts.
    version    integer NOT NULL CONSTRAINT plan_version_number CHECK (version > 0),
    -- Of that version: copies for lists.
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    deadline   timestamptz,
    -- What has gone wrong within the window of the guardrail and has not rung yet; how often it rang.
    watch      json NOT NULL,
    alarms     integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    started_at timestamptz,
    ended_at   timestamptz,
    CONSTRAINT plan_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT plan_started CHECK (CASE status
        WHEN 'draft' THEN started_at IS NULL WHEN 'cancelled' THEN true ELSE started_at IS NOT NULL END),
    CONSTRAINT plan_ended CHECK ((status IN ('done', 'cancelled')) = (ended_at IS NOT NULL))
);
CREATE INDEX plan_id ON plan (id);
CREATE INDEX plan_by_kind ON plan (kind, id);
CREATE INDEX plan_live ON plan (kind, status) WHERE status IN ('draft', 'running');

-- A version of a plan's document, which never changes but by an erasure; and what differs from the one before.
CREATE TABLE plan_version (
    account_id text COLLATE "C" NOT NULL,
    plan_id    uuid NOT NULL,
    version    integer NOT NULL,
    doc        json NOT NULL,
    changes    json NOT NULL,
    why        text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT plan_version_pkey PRIMARY KEY (account_id, plan_id, version),
    CONSTRAINT plan_version_plan FOREIGN KEY (account_id, plan_id) REFERENCES plan (account_id, id)
);

-- A task of a plan as far as it has come. What it is stands in the version; this has copies for those who look for work.
CREATE TABLE plan_task (
    account_id  text COLLATE "C" NOT NULL,
    plan_id     uuid NOT NULL,
    id          uuid NOT NULL,
    -- Within its plan.
    name        text COLLATE "C" NOT NULL,
    -- In the document; none once it was taken out of the plan.
    place       integer,
    title       text NOT NULL,
    work        text COLLATE "C" NOT NULL,
    owner       text COLLATE "C" NOT NULL,
    checkpoint  boolean NOT NULL,
    start_at    timestamptz NOT NULL,
    end_at      timestamptz NOT NULL,
    state       json NOT NULL,
    -- Of the state: what is looked for, and what must hold.
    status      text NOT NULL GENERATED ALWAYS AS (state ->> 'status') STORED,
    held_by     text GENERATED ALWAYS AS (state #>> '{lease,by}') STORED,
    lease       bigint GENERATED ALWAYS AS ((state #>> '{lease,token}')::bigint) STORED,
    -- When time brings something next.
    next_at     timestamptz,
    -- What whoever did it handed over.
    result      json,
    ended_at    timestamptz,
    ended_by    text,
    CONSTRAINT plan_task_pkey PRIMARY KEY (account_id, plan_id, id),
    CONSTRAINT plan_task_plan FOREIGN KEY (account_id, plan_id) REFERENCES plan (account_id, id),
    CONSTRAINT plan_task_name UNIQUE (account_id, plan_id, name),
    CONSTRAINT plan_task_status CHECK (status IN (
        'waiting', 'ready', 'claimed', 'escalated', 'done', 'skipped', 'failed')),
    CONSTRAINT plan_task_lease CHECK ((status = 'claimed') = (lease IS NOT NULL) AND (lease IS NULL) = (held_by IS NULL)),
    CONSTRAINT plan_task_ended CHECK ((status IN ('done', 'skipped', 'failed')) = (ended_at IS NOT NULL)),
    CONSTRAINT plan_task_gone CHECK (place IS NOT NULL OR ended_at IS NOT NULL)
) WITH (fillfactor = 70);
CREATE INDEX plan_task_id ON plan_task (id);
-- What can be taken.
CREATE INDEX plan_task_ready ON plan_task (start_at, id) WHERE status = 'ready';
-- Two who work are told apart by their leases.
CREATE UNIQUE INDEX plan_task_fence ON plan_task (lease) WHERE lease IS NOT NULL;
CREATE INDEX plan_task_open ON plan_task (end_at) WHERE status IN ('waiting', 'ready', 'claimed', 'escalated');

-- A gate of a plan as far as it has come.
CREATE TABLE plan_gate (
    account_id text COLLATE "C" NOT NULL,
    plan_id    uuid NOT NULL,
    name       text COLLATE "C" NOT NULL,
    state      json NOT NULL,
    status     text NOT NULL GENERATED ALWAYS AS (state ->> 'status') STORED,
    CONSTRAINT plan_gate_pkey PRIMARY KEY (account_id, plan_id, name),
    CONSTRAINT plan_gate_plan FOREIGN KEY (account_id, plan_id) REFERENCES plan (account_id, id),
    CONSTRAINT plan_gate_status CHECK (status IN ('waiting', 'open', 'failed', 'passed'))
);

-- Everything that happened to a plan, in order.
CREATE TABLE plan_entry (
    account_id text COLLATE "C" NOT NULL,
    plan_id    uuid NOT NULL,
    id         uuid NOT NULL,
    -- When it was so; noted later where nobody looked.
    at         timestamptz NOT NULL,
    noted_at   timestamptz NOT NULL,
    -- The task or gate that it is about.
    name       text COLLATE "C",
    what       text NOT NULL,
    actor      text NOT NULL,
    doc        json NOT NULL,
    -- Of what must happen once: which. A rung of a climb, a date that is missed, an alarm.
    once       text COLLATE "C",
    CONSTRAINT plan_entry_pkey PRIMARY KEY (account_id, plan_id, id),
    CONSTRAINT plan_entry_plan FOREIGN KEY (account_id, plan_id) REFERENCES plan (account_id, id),
    CONSTRAINT plan_entry_once UNIQUE (account_id, plan_id, once)
);

-- What leaves because of a plan is caused by an entry of its timeline.
ALTER TABLE delivery ADD COLUMN plan_id uuid;
ALTER TABLE delivery DROP CONSTRAINT delivery_cause;
ALTER TABLE delivery ADD CONSTRAINT delivery_cause CHECK (
    num_nonnulls(decision_id, entry_id, digest_id, privacy_id) = 1
    AND (entry_id IS NULL) = (num_nonnulls(handoff_id, plan_id) = 0) AND num_nonnulls(handoff_id, plan_id) <= 1);
CREATE INDEX delivery_plan ON delivery (plan_id) WHERE plan_id IS NOT NULL;
