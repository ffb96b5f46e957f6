-- Who may call, what was answered before, and the record that cannot be changed unseen.

-- API keys. The key itself is never stored: 256 random bits need no slow hash, so its SHA-256 is the look-up key.
create table api_key (
    id           uuid        not null,
    hash         bytea       not null,
    label        text        not null,
    scopes       text[]      not null,
    -- Where the key came from: made over the API, given by the environment, or made at the first start.
    origin       text        not null,
    created_at   timestamptz not null,
    -- The actor that made it, as in the audit log.
    created_by   text        not null,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    -- To the minute: it is written behind the requests, not with them.
    last_used_at timestamptz,
    constraint api_key_pkey primary key (id),
    constraint api_key_hash_once unique (hash),
    constraint api_key_hash_length check (octet_length(hash) = 32),
    constraint api_key_label_length check (char_length(label) between 1 and 200),
    constraint api_key_scopes_some check (cardinality(scopes) >= 1),
    constraint api_key_origin_known check (origin in ('api', 'environment', 'first_start', 'local'))
);

-- Answers to POSTs with an Idempotency-Key. A row without a status is a request that runs; it belongs to whoever
-- holds the lease token, and its lease is machine time (now()), because it bounds a crash and not a business term.
create table idempotency_key (
    api_key      uuid        not null,
    route        text        not null,
    key          text        not null,
    -- SHA-256 over path, query and body: the same key with another request is refused.
    fingerprint  bytea       not null,
    lease        uuid        not null,
    leased_until timestamptz not null,
    expires_at   timestamptz not null,
    status       smallint,
    headers      jsonb,
    body         bytea,
    constraint idempotency_key_pkey primary key (api_key, route, key),
    constraint idempotency_key_whole check ((status is null) = (body is null) and (status is null) = (headers is null))
);
create index idempotency_key_expiry on idempotency_key (expires_at);

-- The audit log: one hash chain per account; configuration uses the chain '@system', which no account id can be.
-- Personal or large content is not here but referred to by digest, so that erasing it leaves the chain whole.
create table audit_entry (
    account_id text        not null,
    seq        bigint      not null,
    at         timestamptz not null,
    actor      text        not null,
    action     text        not null,
    subject    text        not null,
    -- JSON as text: the hash covers these very bytes.
    details    text        not null,
    prev_hash  bytea       not null,
    hash       bytea       not null,
    constraint audit_entry_pkey primary key (account_id, seq),
    constraint audit_entry_seq_counts check (seq >= 1),
    constraint audit_entry_hash_length check (octet_length(hash) = 32 and octet_length(prev_hash) = 32)
);
create index audit_entry_newest on audit_entry (at, account_id, seq);

-- The end of each chain. Locked by whoever appends; dirty while no checkpoint covers it. (A flag rather than a
-- comparison of numbers, so that appending to a dirty chain changes no indexed column.)
create table audit_head (
    account_id text    not null,
    seq        bigint  not null,
    hash       bytea   not null,
    dirty      boolean not null,
    constraint audit_head_pkey primary key (account_id)
) with (fillfactor = 70);
create index audit_head_dirty on audit_head (account_id) where dirty;

-- Signed statements about the ends of chains, themselves a chain.
create table audit_checkpoint (
    seq       bigint      not null,
    at        timestamptz not null,
    chains    integer     not null,
    heads     bytea       not null,
    prev_hash bytea       not null,
    hash      bytea       not null,
    signer    text        not null,
    signature bytea       not null,
    constraint audit_checkpoint_pkey primary key (seq)
);
create table audit_checkpoint_head (
    checkpoint bigint not null,
    account_id text   not null,
    seq        bigint not null,
    hash       bytea  not null,
    constraint audit_checkpoint_head_pkey primary key (checkpoint, account_id),
    constraint audit_checkpoint_head_checkpoint foreign key (checkpoint) references audit_checkpoint (seq)
);
create index audit_checkpoint_head_account on audit_checkpoint_head (account_id, seq);

-- What is recorded stays recorded.
create function audit_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only: % on % is refused', tg_op, tg_table_name
        using errcode = 'integrity_constraint_violation';
end $$;
create trigger audit_entry_append_only before update or delete or truncate on audit_entry
    for each statement execute function audit_refuse_change();
create trigger audit_checkpoint_append_only before update or delete or truncate on audit_checkpoint
    for each statement execute function audit_refuse_change();
create trigger audit_checkpoint_head_append_only before update or delete or truncate on audit_checkpoint_head
    for each statement execute function audit_refuse_change();

-- Documents are compressed with lz4 where the server knows it: far cheaper to write than the default.
do $$
begin
    alter table decision alter column document set compression lz4, alter column ledger set compression lz4;
    alter table delivery alter column payload set compression lz4;
    alter table event alter column data set compression lz4;
    alter table account alter column state set compression lz4;
exception
    when feature_not_supported or syntax_error then null;
end $$;
