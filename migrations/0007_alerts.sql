-- Alerts to people: how many each of them had of late, and what was held back because it would have been too many.

-- When a person was alerted of late, as far as later alerts depend on it; and the lock under which it is decided whether
-- one more passes. Taken after accounts, handoffs and the roster and before jobs; of several people in the order of
-- their ids.
CREATE TABLE alert_budget (
    rep_id text COLLATE "C" NOT NULL CONSTRAINT alert_budget_pkey PRIMARY KEY,
    sent   timestamptz[] NOT NULL
) WITH (fillfactor = 50);

-- An alert that did not go out at once because the budget of its person was spent. Goes out in one digest, or in none
-- for a reason.
CREATE TABLE held_alert (
    account_id      text COLLATE "C" NOT NULL,
    id              uuid NOT NULL,
    rep_id          text COLLATE "C" NOT NULL,
    handoff_id      uuid NOT NULL,
    -- What happened.
    entry_id        uuid NOT NULL,
    account_name    text NOT NULL,
    title           text NOT NULL,
    body            text NOT NULL,
    priority        text NOT NULL CONSTRAINT held_alert_priority CHECK (priority IN ('low', 'medium', 'high')),
    -- As long as what is so it is worth telling.
    matters         text NOT NULL CONSTRAINT held_alert_matters CHECK (matters IN (
                        'until_acknowledged', 'until_contacted', 'while_not_owner', 'always')),
    -- Why it was held.
    reason          text NOT NULL CONSTRAINT held_alert_reason CHECK (reason IN ('over_budget')),
    held_at         timestamptz NOT NULL,
    state           text NOT NULL CONSTRAINT held_alert_state CHECK (state IN ('held', 'digested', 'dropped')),
    digest_id       uuid,
    settled_at      timestamptz,
    dropped_because text CONSTRAINT held_alert_because CHECK (dropped_because IN (
                        'handoff_over', 'not_the_owner', 'already_done', 'the_owner_again', 'off_the_roster')),
    CONSTRAINT held_alert_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT held_alert_handoff FOREIGN KEY (account_id, handoff_id) REFERENCES handoff (account_id, id),
    CONSTRAINT held_alert_once UNIQUE (account_id, entry_id, rep_id),
    CONSTRAINT held_alert_settled CHECK (
        (state = 'held') = (settled_at IS NULL)
        AND (state = 'digested') = (digest_id IS NOT NULL)
        AND (state = 'dropped') = (dropped_because IS NOT NULL))
);
-- What the next digest of a person is made of.
CREATE INDEX held_alert_waiting ON held_alert (rep_id, id) WHERE state = 'held';
-- The log, newest first, and by each of its filters.
CREATE INDEX held_alert_id ON held_alert (id);
CREATE INDEX held_alert_by_rep ON held_alert (rep_id, id);
CREATE INDEX held_alert_by_state ON held_alert (state, id);
CREATE INDEX held_alert_by_handoff ON held_alert (handoff_id, id);

-- A digest is caused by several entries, of several accounts: it has an id of its own, and no account's.
ALTER TABLE delivery ADD COLUMN digest_id uuid;
ALTER TABLE delivery DROP CONSTRAINT delivery_cause;
ALTER TABLE delivery ADD CONSTRAINT delivery_cause CHECK (
    num_nonnulls(decision_id, entry_id, digest_id) = 1 AND (entry_id IS NULL) = (handoff_id IS NULL));
CREATE UNIQUE INDEX delivery_once_digest ON delivery (digest_id) WHERE digest_id IS NOT NULL;

-- Lists of handoffs, newest first, by each filter.
CREATE INDEX handoff_by_status ON handoff (status, id);
CREATE INDEX handoff_by_type ON handoff (type, id);
CREATE INDEX handoff_by_owner ON handoff (owner_id, id) WHERE owner_id IS NOT NULL;
-- What can be past its deadline without contact.
CREATE INDEX handoff_due ON handoff (due_at) WHERE status IN ('assigned', 'acknowledged');

-- What happened to the handoffs of an account, newest first.
CREATE INDEX handoff_entry_newest ON handoff_entry (account_id, id);

-- The person a key acts for: may note absences of the team that the person leads.
ALTER TABLE api_key ADD COLUMN rep_id text COLLATE "C";
