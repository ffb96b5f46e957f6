-- Outages: what one kept back goes out in order, hot accounts first; a source that stalls and a quota that runs out are
-- alarms that reach somebody.

-- Written for a hot account: goes before the others once its destination takes deliveries again.
ALTER TABLE delivery ADD COLUMN hot boolean NOT NULL DEFAULT false;
-- Attempts at which the receiver took nothing from anybody (a limit, refused credentials). They cost no step of the
-- schedule, because they say nothing of the delivery.
ALTER TABLE delivery ADD COLUMN rests integer NOT NULL DEFAULT 0 CONSTRAINT delivery_rests CHECK (rests BETWEEN 0 AND attempts);
-- The last attempt failed because of the receiver, and would have whatever it brought. What such a one waits for is over as
-- soon as the receiver takes anything again.
ALTER TABLE delivery ADD COLUMN held_up boolean NOT NULL DEFAULT false;
-- Some attempt ended without anybody knowing whether it arrived.
ALTER TABLE delivery ADD COLUMN unsure boolean NOT NULL DEFAULT false;
-- Commands about people that wait for somebody.
CREATE INDEX delivery_for_people ON delivery (destination) WHERE status = 'recorded' AND privacy_id IS NOT NULL;
CREATE INDEX delivery_held_up ON delivery (destination) WHERE held_up AND status = 'retrying';
CREATE INDEX delivery_hot ON delivery (destination, due_at) WHERE hot AND status IN ('pending', 'retrying');
-- Whether an older one of the same account and destination waits.
CREATE INDEX delivery_order ON delivery (account_id, destination, id) WHERE status IN ('pending', 'retrying');

-- How reading from a system goes; one row for each that facts are read from.
CREATE TABLE source_state (
    connector     text COLLATE "C" PRIMARY KEY,
    -- When the service last looked after it. A gap means that the service itself was away.
    watched_at    timestamptz NOT NULL,
    -- When something was last read from it.
    read_at       timestamptz,
    -- Since when nothing can be read from it, and why.
    failing_since timestamptz,
    last_error    text,
    CONSTRAINT source_state_failing CHECK ((failing_since IS NULL) = (last_error IS NULL))
);

-- What somebody has to know of a connected system or of the service: one row for each thing, live while `ended_at` is
-- empty.
CREATE TABLE alarm (
    -- The connector; `service` for the service's own.
    connector  text COLLATE "C" NOT NULL,
    kind       text NOT NULL CONSTRAINT alarm_kind CHECK (kind IN ('quota', 'stalled', 'silent', 'undelivered', 'people')),
    -- What of it: a window of a quota, a destination; empty where there is only one thing.
    subject    text NOT NULL,
    level      integer NOT NULL CONSTRAINT alarm_level CHECK (level IN (1, 2)),
    said       text NOT NULL,
    raised_at  timestamptz NOT NULL,
    -- When it was last seen to be so.
    seen_at    timestamptz NOT NULL,
    ended_at   timestamptz,
    -- When people were last told, and of which level.
    told_at    timestamptz NOT NULL,
    told_level integer NOT NULL,
    PRIMARY KEY (connector, kind, subject)
);

-- Telling an alarm is a delivery of no account: it has an id of its own.
ALTER TABLE delivery ADD COLUMN alarm_id uuid;
ALTER TABLE delivery DROP CONSTRAINT delivery_cause;
ALTER TABLE delivery ADD CONSTRAINT delivery_cause CHECK (
    num_nonnulls(decision_id, entry_id, digest_id, privacy_id, alarm_id) = 1
    AND (entry_id IS NULL) = (num_nonnulls(handoff_id, plan_id) = 0) AND num_nonnulls(handoff_id, plan_id) <= 1);
CREATE UNIQUE INDEX delivery_once_alarm ON delivery (alarm_id, destination) WHERE alarm_id IS NOT NULL;
