-- Motions: policies, decisions and the ledger that guards each account.

-- A policy is known by the digest of its content; a version never changes and is never deleted.
CREATE TABLE policy (
    version    text NOT NULL CONSTRAINT policy_pkey PRIMARY KEY,
    name       text NOT NULL,
    body       text NOT NULL,
    format     text NOT NULL CONSTRAINT policy_format CHECK (format IN ('toml', 'json')),
    created_at timestamptz NOT NULL,
    created_by text NOT NULL
);

-- Which version is in force. Decisions read it in the statement that locks the account, so that an
-- activation holds for all replicas from the moment it commits.
CREATE TABLE policy_active (
    only_row     boolean NOT NULL DEFAULT true CONSTRAINT policy_active_pkey PRIMARY KEY
                 CONSTRAINT policy_active_one CHECK (only_row),
    version      text NOT NULL CONSTRAINT policy_active_version REFERENCES policy (version),
    activated_at timestamptz NOT NULL,
    activated_by text NOT NULL
);

-- One recorded outcome for one account: what was seen, what was decided, under which version. Kept for good.
CREATE TABLE decision (
    account_id     text COLLATE "C" NOT NULL,
    id             uuid NOT NULL,
    decided_at     timestamptz NOT NULL,
    policy_version text NOT NULL,
    -- What asked for it: api, bulk, event, wake, sweep, resolution.
    trigger        text NOT NULL CONSTRAINT decision_trigger
                   CHECK (trigger IN ('api', 'bulk', 'event', 'wake', 'sweep', 'resolution')),
    outcome        text NOT NULL CONSTRAINT decision_outcome
                   CHECK (outcome IN ('executed', 'continued', 'monitoring', 'deferred', 'blocked', 'conflict')),
    motion         text,
    exit_state     text NOT NULL,
    matched_rule   text NOT NULL,
    confidence     double precision NOT NULL,
    -- The answer as it was given; its `signals` and `ledger` are the inputs of a replay.
    document       json NOT NULL,
    ledger         json NOT NULL,
    -- The decision that waited for what has now arrived.
    resumes        uuid,
    CONSTRAINT decision_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT decision_account FOREIGN KEY (account_id) REFERENCES account (account_id),
    CONSTRAINT decision_motion CHECK ((outcome = 'monitoring') = (motion IS NULL))
);
CREATE INDEX decision_id ON decision (id);

-- Where routing stands for an account: its latest decision and when it was last looked at.
CREATE TABLE motion_state (
    account_id   text COLLATE "C" NOT NULL CONSTRAINT motion_state_pkey PRIMARY KEY,
    decision_id  uuid NOT NULL,
    outcome      text NOT NULL,
    motion       text,
    -- Says the same as the latest decision when equal: then a re-evaluation is not recorded anew.
    fingerprint  text NOT NULL,
    evaluated_at timestamptz NOT NULL,
    CONSTRAINT motion_state_account FOREIGN KEY (account_id) REFERENCES account (account_id)
) WITH (fillfactor = 80);
CREATE INDEX motion_state_aged ON motion_state (evaluated_at);

-- A motion's hold on an account. Live until it is released, which an expiry does at the next look.
CREATE TABLE motion_claim (
    account_id     text COLLATE "C" NOT NULL,
    id             uuid NOT NULL,
    motion         text NOT NULL,
    claimed_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    released_at    timestamptz,
    release_reason text CONSTRAINT motion_claim_reason
                   CHECK (release_reason IN ('expired', 'switched', 'paused', 'renewed')),
    decision_id    uuid NOT NULL,
    reasoning      text NOT NULL,
    CONSTRAINT motion_claim_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT motion_claim_decision FOREIGN KEY (account_id, decision_id) REFERENCES decision (account_id, id),
    CONSTRAINT motion_claim_times CHECK (expires_at > claimed_at),
    CONSTRAINT motion_claim_release CHECK ((released_at IS NULL) = (release_reason IS NULL))
);
CREATE UNIQUE INDEX motion_claim_live ON motion_claim (account_id, motion) WHERE released_at IS NULL;

-- The database's own guarantee that competing motions never hold an account together: a live claim owns the
-- pairs `a|b` of all motions it competes with (and `a|a`), and a pair has one owner.
CREATE TABLE claim_exclusion (
    account_id text COLLATE "C" NOT NULL,
    pair       text NOT NULL,
    claim_id   uuid NOT NULL,
    CONSTRAINT claim_exclusion_pkey PRIMARY KEY (account_id, pair),
    CONSTRAINT claim_exclusion_claim FOREIGN KEY (account_id, claim_id) REFERENCES motion_claim (account_id, id)
);

-- Releasing a claim frees its pairs, whoever releases it.
CREATE FUNCTION free_claim_pairs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM claim_exclusion WHERE account_id = NEW.account_id AND claim_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER motion_claim_released AFTER UPDATE OF released_at ON motion_claim
    FOR EACH ROW WHEN (OLD.released_at IS NULL AND NEW.released_at IS NOT NULL)
    EXECUTE FUNCTION free_claim_pairs();

-- Every contact with the account, by a decision or reported by an event: the budget is counted here.
CREATE TABLE touch (
    account_id  text COLLATE "C" NOT NULL,
    id          uuid NOT NULL,
    touched_at  timestamptz NOT NULL,
    -- `decision`, or the channel that an event reported.
    origin      text NOT NULL,
    motion      text,
    decision_id uuid,
    CONSTRAINT touch_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT touch_decision CHECK ((origin = 'decision') = (decision_id IS NOT NULL))
);
CREATE INDEX touch_recent ON touch (account_id, touched_at);

-- Two motions wanted the same account. A holder and a motion that wants its place meet in one conflict, ever:
-- once RevOps has decided to keep the holder, asking again does not put the question again.
CREATE TABLE conflict (
    account_id     text COLLATE "C" NOT NULL,
    id             uuid NOT NULL,
    opened_at      timestamptz NOT NULL,
    holder_claim   uuid NOT NULL,
    holder_motion  text NOT NULL,
    holder_reason  text NOT NULL,
    wanted_motion  text NOT NULL,
    wanted_reason  text NOT NULL,
    decision_id    uuid NOT NULL,
    resolution     text CONSTRAINT conflict_resolution CHECK (resolution IN ('keep', 'switch', 'pause', 'lapsed')),
    note           text,
    resolved_by    text,
    resolved_at    timestamptz,
    CONSTRAINT conflict_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT conflict_motions CHECK (holder_motion <> wanted_motion),
    CONSTRAINT conflict_resolved CHECK (
        (resolution IS NULL) = (resolved_at IS NULL) AND (resolution IS NULL) = (resolved_by IS NULL)
        AND (resolution IS NULL OR resolution = 'lapsed' OR note IS NOT NULL))
);
CREATE UNIQUE INDEX conflict_once ON conflict (account_id, holder_claim, wanted_motion);
CREATE INDEX conflict_queue ON conflict (id) WHERE resolution IS NULL;
CREATE INDEX conflict_id ON conflict (id);

-- Motions that rest on an account by a person's decision.
CREATE TABLE motion_pause (
    account_id  text COLLATE "C" NOT NULL,
    motion      text NOT NULL,
    until       timestamptz NOT NULL,
    conflict_id uuid NOT NULL,
    CONSTRAINT motion_pause_pkey PRIMARY KEY (account_id, motion)
);
