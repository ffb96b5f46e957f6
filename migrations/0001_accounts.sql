-- Accounts: raw events as they came, the queue of those not yet applied, and what is known of each account.
--
-- Raw events live in weekly partitions by the moment they were received and are dropped by partition when the
-- retention time is over. The account id leads every key of the hot tables, so that the schema can be
-- distributed by account; `event_key` and `inbox` are work tables and stay with the service.

CREATE TABLE event (
    account_id  text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL,
    id          uuid NOT NULL,
    source      text NOT NULL,
    event_id    text NOT NULL,
    type        text NOT NULL,
    occurred_at timestamptz NOT NULL,
    -- The `data` member as it was sent, to the letter.
    data        json NOT NULL,
    -- Attributes beyond those above, `datacontenttype`, `dataschema` and extensions, where there were any.
    attributes  json,
    CONSTRAINT event_pkey PRIMARY KEY (account_id, received_at, id)
) PARTITION BY RANGE (received_at);

-- Weekly partitions (Monday to Monday, UTC) from last week to three weeks ahead of an instant.
CREATE FUNCTION ensure_event_partitions(at timestamptz) RETURNS void LANGUAGE plpgsql
SET client_min_messages = warning AS $$
DECLARE
    first timestamptz := (date_trunc('week', at AT TIME ZONE 'UTC') - interval '1 week') AT TIME ZONE 'UTC';
    week  timestamptz;
BEGIN
    -- Two replicas that make the same partition at once wait for each other here.
    PERFORM pg_advisory_xact_lock(hashtext('event partitions'));
    FOR n IN 0..4 LOOP
        week := first + n * interval '7 days';
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF event FOR VALUES FROM (%L) TO (%L)',
            'event_' || to_char(week AT TIME ZONE 'UTC', 'YYYYMMDD'), week, week + interval '7 days');
    END LOOP;
END $$;

-- Drops the weeks that end before an instant and forgets the keys of their events; gives the weeks dropped.
CREATE FUNCTION drop_events_before(at timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    part    record;
    dropped bigint := 0;
    oldest  timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('event partitions'));
    FOR part IN
        SELECT c.relname,
               to_timestamp(right(c.relname, 8), 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC' AS week
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'event'::regclass
    LOOP
        IF part.week + interval '7 days' <= at
           AND NOT EXISTS (SELECT FROM inbox WHERE received_at < part.week + interval '7 days')
           AND NOT EXISTS (SELECT FROM inbox_dead WHERE received_at < part.week + interval '7 days') THEN
            EXECUTE format('DROP TABLE %I', part.relname);
            dropped := dropped + 1;
            oldest := greatest(oldest, part.week + interval '7 days');
        END IF;
    END LOOP;
    IF dropped > 0 THEN
        DELETE FROM event_key WHERE received_at < oldest;
        DELETE FROM matched_event WHERE received_at < oldest;
        DELETE FROM unmatched_key WHERE id IN (SELECT id FROM unmatched_event WHERE received_at < oldest);
        DELETE FROM unmatched_event WHERE received_at < oldest;
    END IF;
    RETURN dropped;
END $$;

-- The identity of each event (source, id), as the first 128 bits of its digest: one event is taken once, in
-- whichever partition the first copy lies.
CREATE TABLE event_key (
    key         uuid NOT NULL CONSTRAINT event_key_pkey PRIMARY KEY,
    received_at timestamptz NOT NULL
);
CREATE INDEX event_key_age ON event_key USING brin (received_at);

-- Events that wait to be applied. Applying deletes the row in the transaction that changes the account, which
-- is why each event counts exactly once. Lane 0 is hot, 1 normal, 2 bulk.
CREATE TABLE inbox (
    lane        smallint NOT NULL CONSTRAINT inbox_lane CHECK (lane BETWEEN 0 AND 2),
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    account_id  text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL,
    id          uuid NOT NULL,
    CONSTRAINT inbox_pkey PRIMARY KEY (lane, seq)
);
CREATE INDEX inbox_account ON inbox (account_id);

-- Events that could not be applied, with the reason; replayed when the fault is mended.
CREATE TABLE inbox_dead (
    account_id  text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL,
    id          uuid NOT NULL,
    error       text NOT NULL,
    failed_at   timestamptz NOT NULL,
    CONSTRAINT inbox_dead_pkey PRIMARY KEY (account_id, received_at, id)
);
CREATE INDEX inbox_dead_id ON inbox_dead (id);

-- One row per account. `state` is the sum of its events as one document; the columns beside it are copies
-- for lists and matching. Whoever decides about an account or changes it locks this row first.
CREATE TABLE account (
    account_id text COLLATE "C" NOT NULL CONSTRAINT account_pkey PRIMARY KEY,
    state      json NOT NULL,
    name       text,
    domain     text,
    owner_id   text,
    -- Counts changes: the ETag of the account.
    version    bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
) WITH (fillfactor = 80);

-- People, apart from the account's state so that a person can be erased without touching a decision.
CREATE TABLE contact (
    account_id text COLLATE "C" NOT NULL,
    contact_id text COLLATE "C" NOT NULL,
    doc        json NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT contact_pkey PRIMARY KEY (account_id, contact_id),
    CONSTRAINT contact_account FOREIGN KEY (account_id) REFERENCES account (account_id)
);

CREATE TABLE note (
    account_id text COLLATE "C" NOT NULL,
    id         uuid NOT NULL,
    noted_at   timestamptz NOT NULL,
    kind       text NOT NULL,
    text       text NOT NULL,
    source     text NOT NULL,
    CONSTRAINT note_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT note_account FOREIGN KEY (account_id) REFERENCES account (account_id)
);

-- What an account is known by (`domain:acme.com`, `name:acme`), for matching people and companies that come
-- without an account id.
CREATE TABLE account_identity (
    key        text NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    CONSTRAINT account_identity_pkey PRIMARY KEY (key, account_id)
);
CREATE INDEX account_identity_account ON account_identity (account_id);

-- Corrections by people: from now on whatever carries this key belongs to that account, whatever else fits …
CREATE TABLE match_pin (
    key        text NOT NULL CONSTRAINT match_pin_pkey PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL,
    pinned_at  timestamptz NOT NULL,
    pinned_by  text NOT NULL,
    note       text NOT NULL
);

-- … or does not belong to it.
CREATE TABLE match_exclusion (
    key         text NOT NULL,
    account_id  text COLLATE "C" NOT NULL,
    excluded_at timestamptz NOT NULL,
    excluded_by text NOT NULL,
    note        text NOT NULL,
    CONSTRAINT match_exclusion_pkey PRIMARY KEY (key, account_id)
);

-- Events without an account id whose account is not clear: they wait here, as safe as the others, until they are
-- matched or a person says where they belong. Kept as long as raw events are.
CREATE TABLE unmatched_event (
    id          uuid NOT NULL CONSTRAINT unmatched_event_pkey PRIMARY KEY,
    received_at timestamptz NOT NULL,
    lane        smallint NOT NULL CONSTRAINT unmatched_event_lane CHECK (lane BETWEEN 0 AND 2),
    source      text NOT NULL,
    event_id    text NOT NULL,
    type        text NOT NULL,
    occurred_at timestamptz NOT NULL,
    data        json NOT NULL,
    -- As in `event`.
    attributes  json,
    -- When its account was last sought in vain; `-infinity` asks for another look.
    looked_at   timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE INDEX unmatched_event_look ON unmatched_event (looked_at);
CREATE INDEX unmatched_event_age ON unmatched_event USING brin (received_at);

-- What an unmatched event can be found by.
CREATE TABLE unmatched_key (
    id  uuid NOT NULL CONSTRAINT unmatched_key_event REFERENCES unmatched_event (id),
    key text NOT NULL,
    CONSTRAINT unmatched_key_pkey PRIMARY KEY (id, key)
);
CREATE INDEX unmatched_key_key ON unmatched_key (key);

-- Keys that some account became known by while events were waiting, until these are looked at again. Written in the
-- transaction that makes the key known and without a constraint, so that nobody waits for anybody here.
CREATE TABLE match_news (
    key text NOT NULL
);

-- By which keys an event came to its account that did not name it: what a later correction moves.
CREATE TABLE matched_event (
    account_id  text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL,
    id          uuid NOT NULL,
    key         text NOT NULL,
    CONSTRAINT matched_event_pkey PRIMARY KEY (account_id, id, key)
);
CREATE INDEX matched_event_key ON matched_event (key, account_id);
CREATE INDEX matched_event_age ON matched_event USING brin (received_at);
