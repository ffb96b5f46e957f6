-- Handoffs: who can take them over, and each of them from its package to its outcome.

-- Which edit of the roster is in force, and the lock of assignment. Whoever edits the roster or gives a handoff to
-- somebody holds this row until the commit: assignments are a sequence, and each sees what the ones before it did.
CREATE TABLE roster_head (
    only_row boolean NOT NULL DEFAULT true CONSTRAINT roster_head_pkey PRIMARY KEY
             CONSTRAINT roster_head_one CHECK (only_row),
    version  bigint NOT NULL
);
INSERT INTO roster_head (version) VALUES (0);

-- Who takes handoffs and by which rules, entry by entry as it was written. Entries name each other; that every name
-- leads somewhere is checked over all of them, under the lock, before an edit commits.
CREATE TABLE roster_entry (
    kind       text NOT NULL CONSTRAINT roster_entry_kind
               CHECK (kind IN ('calendar', 'team', 'rep', 'territory', 'named_account', 'segment')),
    id         text COLLATE "C" NOT NULL,
    doc        json NOT NULL,
    -- Counts edits of this entry.
    version    bigint NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    CONSTRAINT roster_entry_pkey PRIMARY KEY (kind, id)
);

-- When a rep is away. Ends by itself; without an end it lasts until somebody ends it.
CREATE TABLE absence (
    id         uuid NOT NULL CONSTRAINT absence_pkey PRIMARY KEY,
    rep_id     text COLLATE "C" NOT NULL,
    from_at    timestamptz NOT NULL,
    to_at      timestamptz,
    -- Who stands in.
    cover      text COLLATE "C",
    note       text,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    CONSTRAINT absence_times CHECK (to_at > from_at),
    CONSTRAINT absence_cover CHECK (cover <> rep_id)
);
CREATE INDEX absence_rep ON absence (rep_id, from_at, id);
-- What is not over yet.
CREATE INDEX absence_end ON absence ((coalesce(to_at, 'infinity'::timestamptz)));

-- The accounts of a team's rotation: who is ahead of and who behind their share.
CREATE TABLE rotation (
    team_id    text COLLATE "C" NOT NULL CONSTRAINT rotation_pkey PRIMARY KEY,
    doc        json NOT NULL,
    changed_at timestamptz NOT NULL
);

-- One handoff. What it was made of (`package`) never changes; where it stands does, under the account's lock.
CREATE TABLE handoff (
    account_id      text COLLATE "C" NOT NULL,
    id              uuid NOT NULL,
    type            text NOT NULL,
    status          text NOT NULL CONSTRAINT handoff_status CHECK (status IN (
                        'held', 'pending', 'assigned', 'acknowledged', 'contacted', 'meeting_booked',
                        'converted', 'lost', 'rejected', 'cancelled', 'rolled_back')),
    from_team       text NOT NULL,
    to_team         text NOT NULL,
    deal_id         text,
    -- What asked for it, such as `decision:<id>`: asked for again it is the same handoff.
    cause           text NOT NULL,
    decision_id     uuid,
    requested_by    text NOT NULL,
    segment         text NOT NULL,
    urgency         text NOT NULL,
    -- Who was responsible on the side that hands over.
    previous_owner  text,
    package         json NOT NULL,
    package_digest  bytea NOT NULL,
    -- In percent.
    completeness    smallint NOT NULL CONSTRAINT handoff_completeness CHECK (completeness BETWEEN 0 AND 100),
    missing         json NOT NULL,
    -- What would release it.
    held_for        json,
    -- What assignment reads of it: account, team, skills, who lost it.
    request         json NOT NULL,
    owner_id        text COLLATE "C",
    -- The latest answer of assignment, with every candidate.
    assignment      json,
    -- The clock of the present owner's turn.
    clock           json,
    -- The hours it counts by, where it counts working time: as they were, until it has been settled by them.
    hours           json,
    -- Copies for lists and figures.
    due_at          timestamptz,
    breached_at     timestamptz,
    -- How often it was given to somebody else.
    reassignments   smallint NOT NULL DEFAULT 0,
    -- The team's fallback owner had to take it.
    fell_back       boolean NOT NULL DEFAULT false,
    waiting_since   timestamptz NOT NULL,
    -- When somebody was told that it waits too long.
    alarmed_at      timestamptz,
    created_at      timestamptz NOT NULL,
    assigned_at     timestamptz,
    acknowledged_at timestamptz,
    contacted_at    timestamptz,
    meeting_at      timestamptz,
    closed_at       timestamptz,
    close_reason    text,
    nps             smallint CONSTRAINT handoff_nps CHECK (nps BETWEEN 0 AND 10),
    version         bigint NOT NULL DEFAULT 1,
    CONSTRAINT handoff_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT handoff_account FOREIGN KEY (account_id) REFERENCES account (account_id),
    CONSTRAINT handoff_cause UNIQUE (account_id, cause),
    CONSTRAINT handoff_held CHECK ((status = 'held') = (held_for IS NOT NULL)),
    CONSTRAINT handoff_owner CHECK (CASE
        WHEN status IN ('held', 'pending') THEN owner_id IS NULL
        WHEN status IN ('assigned', 'acknowledged', 'contacted', 'meeting_booked')
            THEN owner_id IS NOT NULL AND assigned_at IS NOT NULL AND clock IS NOT NULL
        ELSE true END),
    CONSTRAINT handoff_acknowledged CHECK (
        status NOT IN ('acknowledged', 'contacted', 'meeting_booked') OR acknowledged_at IS NOT NULL),
    CONSTRAINT handoff_contacted CHECK (
        status NOT IN ('contacted', 'meeting_booked', 'converted') OR contacted_at IS NOT NULL),
    CONSTRAINT handoff_meeting CHECK (status <> 'meeting_booked' OR meeting_at IS NOT NULL),
    CONSTRAINT handoff_closed CHECK (
        (status IN ('converted', 'lost', 'rejected', 'cancelled', 'rolled_back')) = (closed_at IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX handoff_id ON handoff (id);
-- One handoff of a kind at a time, for an account and a deal.
CREATE UNIQUE INDEX handoff_live ON handoff (account_id, type, coalesce(deal_id, ''))
    WHERE status IN ('held', 'pending', 'assigned', 'acknowledged', 'contacted', 'meeting_booked');
-- What a rep has open.
CREATE INDEX handoff_open ON handoff (owner_id) WHERE status IN ('assigned', 'acknowledged', 'contacted', 'meeting_booked');
-- Clocks that count working time.
CREATE INDEX handoff_hours ON handoff (to_team, owner_id) WHERE status IN ('assigned', 'acknowledged') AND hours IS NOT NULL;
-- What waits for information.
CREATE INDEX handoff_waits ON handoff (account_id) WHERE status = 'held';
-- What waits for somebody.
CREATE INDEX handoff_queue ON handoff (waiting_since, id) WHERE status = 'pending';
CREATE INDEX handoff_age ON handoff (created_at);

-- Whose turn it was, from when to when. The latest turn of an open handoff has no end.
CREATE TABLE handoff_turn (
    account_id  text COLLATE "C" NOT NULL,
    handoff_id  uuid NOT NULL,
    -- From 1.
    number      smallint NOT NULL CONSTRAINT handoff_turn_number CHECK (number > 0),
    owner_id    text COLLATE "C" NOT NULL,
    -- The answer of assignment with what the turn did to the rotation: enough to take it back.
    outcome     json NOT NULL,
    assigned_at timestamptz NOT NULL,
    ended_at    timestamptz,
    end_reason  text CONSTRAINT handoff_turn_reason CHECK (end_reason IN (
                    'closed', 'rejected', 'reassigned', 'late', 'rolled_back', 'cancelled', 'offboarded')),
    -- Taken back: counts for no cap and no share.
    credited    boolean NOT NULL DEFAULT false,
    CONSTRAINT handoff_turn_pkey PRIMARY KEY (account_id, handoff_id, number),
    CONSTRAINT handoff_turn_handoff FOREIGN KEY (account_id, handoff_id) REFERENCES handoff (account_id, id),
    CONSTRAINT handoff_turn_end CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE UNIQUE INDEX handoff_turn_live ON handoff_turn (account_id, handoff_id) WHERE ended_at IS NULL;
CREATE INDEX handoff_turn_owner ON handoff_turn (owner_id, assigned_at) WHERE NOT credited;

-- Everything that happened to a handoff, in order.
CREATE TABLE handoff_entry (
    account_id text COLLATE "C" NOT NULL,
    handoff_id uuid NOT NULL,
    id         uuid NOT NULL,
    at         timestamptz NOT NULL,
    -- What happened: a state, a step of the clock, an assignment.
    kind       text NOT NULL,
    actor      text NOT NULL,
    doc        json NOT NULL,
    -- Which of the things that happen once it is, such as `turn 1: alert_owner`.
    once       text,
    CONSTRAINT handoff_entry_pkey PRIMARY KEY (account_id, handoff_id, id),
    CONSTRAINT handoff_entry_handoff FOREIGN KEY (account_id, handoff_id) REFERENCES handoff (account_id, id),
    CONSTRAINT handoff_entry_once UNIQUE (account_id, handoff_id, once)
);

-- What of a person was shown to a partner, and on which consent.
CREATE TABLE share_receipt (
    account_id text COLLATE "C" NOT NULL,
    id         uuid NOT NULL,
    handoff_id uuid NOT NULL,
    partner_id text NOT NULL,
    -- None for what concerns the company.
    contact_id text,
    purpose    text NOT NULL,
    fields     text[] NOT NULL,
    -- The consent as it stood.
    consent    json NOT NULL,
    shared_at  timestamptz NOT NULL,
    CONSTRAINT share_receipt_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT share_receipt_handoff FOREIGN KEY (account_id, handoff_id) REFERENCES handoff (account_id, id)
);
CREATE INDEX share_receipt_handoff_id ON share_receipt (account_id, handoff_id);

-- A delivery is caused by a decision or by an entry of a handoff, and made by an outside system or by ourselves.
ALTER TABLE delivery ALTER COLUMN decision_id DROP NOT NULL;
ALTER TABLE delivery ADD COLUMN handoff_id uuid;
ALTER TABLE delivery ADD COLUMN entry_id uuid;
ALTER TABLE delivery ADD COLUMN provider text;
ALTER TABLE delivery ADD CONSTRAINT delivery_cause
    CHECK (num_nonnulls(decision_id, entry_id) = 1 AND (entry_id IS NULL) = (handoff_id IS NULL));
ALTER TABLE delivery ADD CONSTRAINT delivery_once_entry UNIQUE (account_id, entry_id, destination);
CREATE INDEX delivery_handoff ON delivery (handoff_id) WHERE handoff_id IS NOT NULL;
