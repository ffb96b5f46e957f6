-- Renewals: which contracts are renewed by which play, how their checkpoints went, what was told because of them.

-- One renewal. Its plan, with all versions, tasks and gates, is the plan of the same id.
CREATE TABLE renewal (
    account_id   text COLLATE "C" NOT NULL,
    id           uuid NOT NULL,
    status       text NOT NULL CONSTRAINT renewal_status CHECK (status IN ('planned', 'running', 'closed')),
    -- What was chosen: play, tier, risk, deadline, people. Copies of what lists filter by follow.
    terms        json NOT NULL,
    play         text NOT NULL,
    tier         text NOT NULL CONSTRAINT renewal_tier CHECK (tier IN ('strategic', 'growth', 'scale')),
    risk         text NOT NULL CONSTRAINT renewal_risk CHECK (risk IN ('green', 'yellow', 'red')),
    deadline     date NOT NULL,
    -- Since when the risk is what it is, and whether people have set it.
    risk_since   timestamptz NOT NULL,
    risk_pinned  boolean NOT NULL,
    -- The latest rating, and what the plan's texts were made with.
    rating       json NOT NULL,
    facts        json NOT NULL,
    -- The level that the rating would have where another one holds: told once.
    would_be     text CONSTRAINT renewal_would_be CHECK (would_be IN ('green', 'yellow', 'red')),
    rated_at     timestamptz NOT NULL,
    -- When the present version of the plan was made.
    versioned_at timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    created_by   text NOT NULL,
    started_at   timestamptz,
    closed_at    timestamptz,
    outcome      text CONSTRAINT renewal_outcome
                 CHECK (outcome IN ('renewed', 'expanded', 'reduced', 'lost', 'cancelled')),
    close_note   text,
    CONSTRAINT renewal_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT renewal_account FOREIGN KEY (account_id) REFERENCES account (account_id),
    CONSTRAINT renewal_started CHECK (status <> 'running' OR started_at IS NOT NULL),
    CONSTRAINT renewal_closed CHECK (
        (status = 'closed') = (closed_at IS NOT NULL) AND (closed_at IS NULL) = (outcome IS NULL))
);
-- A contract is renewed by one play at a time.
CREATE UNIQUE INDEX renewal_open_once ON renewal (account_id, deadline) WHERE status <> 'closed';
CREATE INDEX renewal_id ON renewal (id);
-- Lists, newest first, by each filter.
CREATE INDEX renewal_by_status ON renewal (status, id);
CREATE INDEX renewal_by_risk ON renewal (risk, id);

-- How a checkpoint went; said once.
CREATE TABLE renewal_checkpoint (
    account_id text COLLATE "C" NOT NULL,
    renewal_id uuid NOT NULL,
    number     integer NOT NULL CONSTRAINT renewal_checkpoint_number CHECK (number > 0),
    rating     text NOT NULL CONSTRAINT renewal_checkpoint_rating CHECK (rating IN ('green', 'yellow', 'red')),
    note       text NOT NULL,
    held_at    timestamptz NOT NULL,
    held_by    text NOT NULL,
    CONSTRAINT renewal_checkpoint_pkey PRIMARY KEY (account_id, renewal_id, number),
    CONSTRAINT renewal_checkpoint_of FOREIGN KEY (account_id, renewal_id) REFERENCES renewal (account_id, id)
);

-- Each day that was set for a milestone, and when the milestone was taken out of the plan.
CREATE TABLE renewal_appointment (
    account_id    text COLLATE "C" NOT NULL,
    renewal_id    uuid NOT NULL,
    task_id       text NOT NULL,
    set_at        timestamptz NOT NULL,
    title         text NOT NULL,
    due_at        timestamptz NOT NULL,
    -- The deadline of the whole moved with it: that is no slip.
    with_deadline boolean NOT NULL,
    dropped_at    timestamptz,
    CONSTRAINT renewal_appointment_pkey PRIMARY KEY (account_id, renewal_id, task_id, set_at),
    CONSTRAINT renewal_appointment_of FOREIGN KEY (account_id, renewal_id) REFERENCES renewal (account_id, id)
);

-- What the rules have fired: each key once, whoever looks and however often.
CREATE TABLE renewal_firing (
    account_id text COLLATE "C" NOT NULL,
    renewal_id uuid NOT NULL,
    key        text NOT NULL,
    fired_at   timestamptz NOT NULL,
    told_at    timestamptz NOT NULL,
    doc        json NOT NULL,
    CONSTRAINT renewal_firing_pkey PRIMARY KEY (account_id, renewal_id, key),
    CONSTRAINT renewal_firing_of FOREIGN KEY (account_id, renewal_id) REFERENCES renewal (account_id, id)
);

-- The next date on which something of an account renews, as far as its facts say: what the list of coming renewals is
-- found by. Whoever reads it looks at the account itself.
CREATE TABLE renewal_date (
    account_id text COLLATE "C" NOT NULL CONSTRAINT renewal_date_pkey PRIMARY KEY,
    next_on    date NOT NULL,
    CONSTRAINT renewal_date_account FOREIGN KEY (account_id) REFERENCES account (account_id)
);
CREATE INDEX renewal_date_next ON renewal_date (next_on, account_id);
