-- Handoff designs: what was decided, by whom, and when it became the live roster; and what the watch over promises has told.

-- Terms are entries of the roster, so that an edit of them is in force on all replicas from its commit and a design is one
-- edit. Handoffs keep the terms that their clocks began with.
ALTER TABLE roster_entry DROP CONSTRAINT roster_entry_kind;
ALTER TABLE roster_entry ADD CONSTRAINT roster_entry_kind
    CHECK (kind IN ('calendar', 'team', 'rep', 'territory', 'named_account', 'segment', 'role', 'sla_terms'));

-- What was due, or told of as waiting too long, in a stretch of time.
-- A promise is broken once: by the first deadline that passed, whoever has it by now.
CREATE INDEX handoff_was_due ON handoff ((coalesce(breached_at, due_at))) WHERE due_at IS NOT NULL;
CREATE INDEX handoff_alarmed ON handoff (alarmed_at) WHERE alarmed_at IS NOT NULL;

-- A design; its plan has the same id.
CREATE TABLE handoff_design (
    id           uuid NOT NULL CONSTRAINT handoff_design_pkey PRIMARY KEY,
    segment      text NOT NULL,
    goal         text NOT NULL,
    handoff_type text NOT NULL,
    team         text NOT NULL,
    status       text NOT NULL CONSTRAINT handoff_design_status
                 CHECK (status IN ('draft', 'approved', 'scheduled', 'applied', 'stopped', 'rolled_back')),
    -- The newest version.
    version      integer NOT NULL CONSTRAINT handoff_design_version CHECK (version > 0),
    created_at   timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL
);

-- One version of a design; never changed.
CREATE TABLE design_version (
    design_id uuid NOT NULL CONSTRAINT design_version_design REFERENCES handoff_design (id),
    number    integer NOT NULL CONSTRAINT design_version_number CHECK (number > 0),
    inputs    json NOT NULL,
    packet    json NOT NULL,
    -- The version of the plan that gets there; a version of a design whose plan is the same shares it.
    plan_version integer NOT NULL,
    -- The entries of the roster that make it live.
    entries   json NOT NULL,
    -- What it was made on: the digests of the entries and of the type that it read.
    base      json NOT NULL,
    -- Who made it, by name, and with which key.
    author    text NOT NULL,
    actor     text NOT NULL,
    why       text NOT NULL,
    at        timestamptz NOT NULL,
    CONSTRAINT design_version_pkey PRIMARY KEY (design_id, number)
);

-- A sign-off of a version. A person signs a version once, so that its two sign-offs are those of two people and at least one
-- of them is not its author.
CREATE TABLE design_approval (
    design_id uuid NOT NULL,
    version   integer NOT NULL,
    role      text NOT NULL CONSTRAINT design_approval_role CHECK (role IN ('revops', 'sales_leadership')),
    -- The name as people are compared: in lower case, without blanks around it.
    person    text NOT NULL CONSTRAINT design_approval_named CHECK (person <> ''),
    name      text NOT NULL,
    actor     text NOT NULL,
    comment   text,
    at        timestamptz NOT NULL,
    CONSTRAINT design_approval_pkey PRIMARY KEY (design_id, version, role),
    CONSTRAINT design_approval_person UNIQUE (design_id, version, person),
    CONSTRAINT design_approval_version FOREIGN KEY (design_id, version) REFERENCES design_version (design_id, number)
);

-- A version on its way to the live roster and back. It cannot be there without both sign-offs.
CREATE TABLE design_application (
    id             uuid NOT NULL CONSTRAINT design_application_pkey PRIMARY KEY,
    design_id      uuid NOT NULL,
    version        integer NOT NULL,
    revops         text NOT NULL GENERATED ALWAYS AS ('revops') STORED,
    sales          text NOT NULL GENERATED ALWAYS AS ('sales_leadership') STORED,
    status         text NOT NULL CONSTRAINT design_application_status
                   CHECK (status IN ('scheduled', 'applied', 'stopped', 'rolled_back')),
    asked_by       text NOT NULL,
    asked_at       timestamptz NOT NULL,
    due_at         timestamptz NOT NULL,
    applied_at     timestamptz,
    -- Each entry as it was and as it became.
    replaced       json,
    -- The plan's or the roster's words why not.
    stopped_for    json,
    rolled_back_at timestamptz,
    rolled_back_by text,
    rolled_back_why text,
    CONSTRAINT design_application_version FOREIGN KEY (design_id, version) REFERENCES design_version (design_id, number),
    CONSTRAINT design_application_revops
        FOREIGN KEY (design_id, version, revops) REFERENCES design_approval (design_id, version, role),
    CONSTRAINT design_application_sales
        FOREIGN KEY (design_id, version, sales) REFERENCES design_approval (design_id, version, role),
    CONSTRAINT design_application_applied CHECK (
        (status IN ('applied', 'rolled_back')) = (applied_at IS NOT NULL) AND (applied_at IS NULL) = (replaced IS NULL)),
    CONSTRAINT design_application_stopped CHECK ((status = 'stopped') = (stopped_for IS NOT NULL)),
    CONSTRAINT design_application_rolled_back CHECK (
        (status = 'rolled_back') = (rolled_back_at IS NOT NULL)
        AND num_nonnulls(rolled_back_at, rolled_back_by, rolled_back_why) IN (0, 3))
);
-- A design waits for one instant, and is live once.
CREATE UNIQUE INDEX design_application_scheduled ON design_application (design_id) WHERE status = 'scheduled';
CREATE UNIQUE INDEX design_application_live ON design_application (design_id) WHERE status = 'applied';

-- How a scope stood in a window that is over.
CREATE TABLE watch_window (
    scope_kind text NOT NULL CONSTRAINT watch_window_kind CHECK (scope_kind IN ('segment', 'team', 'owner')),
    scope      text NOT NULL,
    from_at    timestamptz NOT NULL,
    to_at      timestamptz NOT NULL,
    under      boolean NOT NULL,
    finding    json NOT NULL,
    CONSTRAINT watch_window_pkey PRIMARY KEY (scope_kind, scope, to_at),
    CONSTRAINT watch_window_times CHECK (to_at > from_at)
);
CREATE INDEX watch_window_newest ON watch_window (to_at DESC);

-- What leadership, or a manager, was told of a scope. Each occasion once, whoever finds it.
CREATE TABLE watch_escalation (
    id         uuid NOT NULL CONSTRAINT watch_escalation_pkey PRIMARY KEY,
    scope_kind text NOT NULL CONSTRAINT watch_escalation_kind CHECK (scope_kind IN ('segment', 'team', 'owner')),
    scope      text NOT NULL,
    rule       text NOT NULL CONSTRAINT watch_escalation_rule CHECK (rule IN ('two_windows', 'guardrail')),
    -- The end of the second window, or the second breach.
    occasion   timestamptz NOT NULL,
    told       json NOT NULL,
    at         timestamptz NOT NULL,
    CONSTRAINT watch_escalation_once UNIQUE (scope_kind, scope, rule, occasion)
);
CREATE INDEX watch_escalation_at ON watch_escalation (at DESC, id);
