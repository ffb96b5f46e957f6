-- Arrivals: events as they come in, a row for each group that was made durable together. Writing a group is one row and
-- one key for each event, whatever accounts it is about; applying it sorts its events into `event`.

CREATE TABLE arrival (
    -- As in `inbox`.
    lane        smallint NOT NULL CONSTRAINT arrival_lane CHECK (lane BETWEEN 0 AND 2),
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    received_at timestamptz NOT NULL,
    -- How many events: the length of the arrays below, which are the columns of `event`, event by event.
    events      integer NOT NULL CONSTRAINT arrival_events CHECK (events > 0),
    account_ids text[] COLLATE "C" NOT NULL,
    ids         uuid[] NOT NULL,
    sources     text[] NOT NULL,
    event_ids   text[] NOT NULL,
    types       text[] NOT NULL,
    occurred_at timestamptz[] NOT NULL,
    data        json[] NOT NULL,
    attributes  json[] NOT NULL,
    CONSTRAINT arrival_pkey PRIMARY KEY (lane, seq),
    CONSTRAINT arrival_even CHECK (
        events = cardinality(account_ids) AND events = cardinality(ids) AND events = cardinality(sources)
        AND events = cardinality(event_ids) AND events = cardinality(types) AND events = cardinality(occurred_at)
        AND events = cardinality(data) AND events = cardinality(attributes))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
-- Written once, read once and deleted: compressing would cost more than it saves.
ALTER TABLE arrival
    ALTER account_ids SET STORAGE EXTERNAL, ALTER ids SET STORAGE EXTERNAL, ALTER sources SET STORAGE EXTERNAL,
    ALTER event_ids SET STORAGE EXTERNAL, ALTER types SET STORAGE EXTERNAL, ALTER occurred_at SET STORAGE EXTERNAL,
    ALTER data SET STORAGE EXTERNAL, ALTER attributes SET STORAGE EXTERNAL;

-- Makes a group of events durable whose keys are new; gives the new keys, or nothing where all were new. Two that take
-- the same new event at once meet at the primary key of `event_key`: the second one fails, and finds it when it asks again.
CREATE FUNCTION take_events(
    keys uuid[], of_lane smallint, at timestamptz, of_accounts text[], new_ids uuid[], of_sources text[],
    sent_ids text[], of_types text[], happened_at timestamptz[], said json[], also json[]
) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
    -- Sorted, so that two groups with the same events wait for each other instead of deadlocking.
    fresh uuid[] := ARRAY(
        SELECT k FROM unnest(keys) AS k WHERE NOT EXISTS (SELECT FROM event_key WHERE key = k) ORDER BY k);
BEGIN
    INSERT INTO event_key (key, received_at) SELECT k, at FROM unnest(fresh) AS k;
    IF cardinality(fresh) = cardinality(keys) THEN
        INSERT INTO arrival (lane, received_at, events, account_ids, ids, sources, event_ids, types, occurred_at, data,
                             attributes)
        VALUES (of_lane, at, cardinality(keys), of_accounts, new_ids, of_sources, sent_ids, of_types, happened_at, said,
                also);
        RETURN NULL;
    END IF;
    INSERT INTO arrival (lane, received_at, events, account_ids, ids, sources, event_ids, types, occurred_at, data,
                         attributes)
    SELECT of_lane, at, count(*), array_agg(u.account ORDER BY n), array_agg(u.id ORDER BY n),
           array_agg(u.source ORDER BY n), array_agg(u.sent_id ORDER BY n), array_agg(u.type ORDER BY n),
           array_agg(u.happened ORDER BY n), array_agg(u.said ORDER BY n), array_agg(u.also ORDER BY n)
    FROM unnest(keys, of_accounts, new_ids, of_sources, sent_ids, of_types, happened_at, said, also)
         WITH ORDINALITY AS u (key, account, id, source, sent_id, type, happened, said, also, n)
    WHERE u.key = ANY (fresh)
    HAVING count(*) > 0;
    RETURN fresh;
END $$;

-- As before, and no week is dropped from which something has not been sorted yet.
CREATE OR REPLACE FUNCTION drop_events_before(at timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
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
           AND NOT EXISTS (SELECT FROM arrival WHERE received_at < part.week + interval '7 days')
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
