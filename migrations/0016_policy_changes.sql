-- Changes of policies: who made a version, who reviewed it, what was in force when and why, and what waits for its instant.

-- Who made a version, where they gave their name: as they wrote it, and as people are compared (in lower case, without blanks
-- around it; empty where nobody gave one).
ALTER TABLE policy ADD COLUMN author text;
ALTER TABLE policy ADD COLUMN maker text NOT NULL DEFAULT '';
ALTER TABLE policy ADD CONSTRAINT policy_made UNIQUE (version, created_by, maker);

-- A review of a version, by somebody who did not make it: neither by name nor with the key that stored it. A person reviews a
-- version once.
CREATE TABLE policy_review (
    version   text NOT NULL,
    -- The name as people are compared.
    person    text NOT NULL CONSTRAINT policy_review_named CHECK (person <> ''),
    name      text NOT NULL,
    actor     text NOT NULL,
    verdict   text NOT NULL CONSTRAINT policy_review_verdict CHECK (verdict IN ('approve', 'object')),
    comment   text,
    at        timestamptz NOT NULL,
    -- Who made the version, as its row has it.
    made_with text NOT NULL,
    maker     text NOT NULL,
    CONSTRAINT policy_review_pkey PRIMARY KEY (version, person),
    -- What an activation names that claims to be approved.
    CONSTRAINT policy_review_word UNIQUE (version, person, verdict),
    CONSTRAINT policy_review_version
        FOREIGN KEY (version, made_with, maker) REFERENCES policy (version, created_by, maker),
    CONSTRAINT policy_review_second CHECK (person <> maker AND actor <> made_with),
    CONSTRAINT policy_review_why CHECK (verdict = 'approve' OR comment IS NOT NULL)
);

-- A version on its way into force, in force, and how that ended. Kept for good.
CREATE TABLE policy_activation (
    id          uuid NOT NULL CONSTRAINT policy_activation_pkey PRIMARY KEY,
    version     text NOT NULL CONSTRAINT policy_activation_version REFERENCES policy (version),
    -- What a database begins with, what was asked for, what a roll-back put back.
    kind        text NOT NULL CONSTRAINT policy_activation_kind CHECK (kind IN ('first', 'activation', 'rollback')),
    status      text NOT NULL CONSTRAINT policy_activation_status
                CHECK (status IN ('scheduled', 'in_force', 'replaced', 'rolled_back', 'stopped', 'called_off')),
    -- The version that was in force when it was asked for, and that it replaces.
    base        text CONSTRAINT policy_activation_base REFERENCES policy (version),
    -- What a roll-back of it puts back.
    back_to     uuid CONSTRAINT policy_activation_back_to REFERENCES policy_activation (id),
    asked_by    text NOT NULL,
    asked_at    timestamptz NOT NULL,
    note        text,
    due_at      timestamptz NOT NULL,
    -- Whose approval it rests on, if anybody's; there is no claim of an approval without the review.
    approved_by text,
    approval    text NOT NULL GENERATED ALWAYS AS ('approve') STORED,
    in_force_at timestamptz,
    ended_at    timestamptz,
    ended_by    text,
    ended_why   text,
    CONSTRAINT policy_activation_row UNIQUE (id, version, status),
    CONSTRAINT policy_activation_approved
        FOREIGN KEY (version, approved_by, approval) REFERENCES policy_review (version, person, verdict),
    CONSTRAINT policy_activation_first CHECK ((kind = 'first') = (base IS NULL)),
    CONSTRAINT policy_activation_changes CHECK (base <> version),
    CONSTRAINT policy_activation_rollback CHECK (kind <> 'rollback' OR note IS NOT NULL),
    CONSTRAINT policy_activation_waits CHECK (kind = 'activation' OR status NOT IN ('scheduled', 'stopped', 'called_off')),
    CONSTRAINT policy_activation_live CHECK ((status IN ('in_force', 'replaced', 'rolled_back')) = (in_force_at IS NOT NULL)),
    CONSTRAINT policy_activation_back CHECK (back_to IS NULL OR in_force_at IS NOT NULL),
    CONSTRAINT policy_activation_ended CHECK (
        (status IN ('scheduled', 'in_force')) = (ended_at IS NULL) AND num_nonnulls(ended_at, ended_by) IN (0, 2)),
    CONSTRAINT policy_activation_why CHECK ((status IN ('rolled_back', 'stopped', 'called_off')) = (ended_why IS NOT NULL))
);
-- One waits for its instant, and one is in force.
CREATE UNIQUE INDEX policy_activation_scheduled ON policy_activation (status) WHERE status = 'scheduled';
CREATE UNIQUE INDEX policy_activation_in_force ON policy_activation (status) WHERE status = 'in_force';

-- What is in force where the history begins. Its id carries the instant, as those of later ones do, so that they sort by it.
INSERT INTO policy_activation (id, version, kind, status, asked_by, asked_at, note, due_at, in_force_at)
SELECT (lpad(to_hex((extract(epoch FROM activated_at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid,
       version, 'first', 'in_force', activated_by, activated_at, 'in force when the history began', activated_at, activated_at
FROM policy_active;

-- The version in force is that of the activation that is in force. Looked at when a change is complete, because one
-- activation ends before the next one begins.
ALTER TABLE policy_active ADD COLUMN activation_id uuid;
UPDATE policy_active SET activation_id = a.id FROM policy_activation a WHERE a.status = 'in_force';
ALTER TABLE policy_active ALTER COLUMN activation_id SET NOT NULL;
ALTER TABLE policy_active ADD COLUMN in_force text NOT NULL GENERATED ALWAYS AS ('in_force') STORED;
ALTER TABLE policy_active ADD CONSTRAINT policy_active_activation
    FOREIGN KEY (activation_id, version, in_force) REFERENCES policy_activation (id, version, status)
    DEFERRABLE INITIALLY DEFERRED;
