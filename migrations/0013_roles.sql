-- The people of roles, and what is told to them: whom an escalation reaches.

ALTER TABLE roster_entry DROP CONSTRAINT roster_entry_kind;
ALTER TABLE roster_entry ADD CONSTRAINT roster_entry_kind
    CHECK (kind IN ('calendar', 'team', 'rep', 'territory', 'named_account', 'segment', 'role', 'sla_terms'));

-- Who looks after others is not told any more once somebody has answered, whoever that is.
ALTER TABLE held_alert DROP CONSTRAINT held_alert_matters;
ALTER TABLE held_alert ADD CONSTRAINT held_alert_matters CHECK (matters IN (
    'until_acknowledged', 'until_contacted', 'while_unanswered', 'while_not_owner', 'always'));

-- What the owner has asked those who handed over, while there is no answer; its clock stands still.
ALTER TABLE handoff ADD COLUMN question text
    CONSTRAINT handoff_question CHECK (question IS NULL OR status = 'acknowledged');
