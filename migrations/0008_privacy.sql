-- Privacy: who was erased and must not come back, the record of each erasure, and the one way to change what is sealed.

-- The salt of this installation, under which people are known again without being known, and a count of the changes
-- to the list of those who were erased.
CREATE TABLE privacy_head (
    only_row boolean NOT NULL DEFAULT true CONSTRAINT privacy_head_pkey PRIMARY KEY
             CONSTRAINT privacy_head_one CHECK (only_row),
    salt     bytea NOT NULL CONSTRAINT privacy_head_salt CHECK (octet_length(salt) = 32),
    version  bigint NOT NULL
);
INSERT INTO privacy_head (salt, version)
VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'), 0);

-- Who was erased, as salted digests: of a contact at an account, or of an e-mail address at all accounts.
CREATE TABLE suppression (
    digest        bytea NOT NULL CONSTRAINT suppression_pkey PRIMARY KEY
                  CONSTRAINT suppression_length CHECK (octet_length(digest) = 32),
    suppressed_at timestamptz NOT NULL,
    erasure_id    uuid NOT NULL
);

-- Each erasure: when, by whom, and how much of what it changed. No identifier of the person.
CREATE TABLE erasure (
    account_id text COLLATE "C" NOT NULL,
    id         uuid NOT NULL,
    erased_at  timestamptz NOT NULL,
    erased_by  text NOT NULL,
    -- By kind.
    changed    json NOT NULL,
    CONSTRAINT erasure_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT erasure_account FOREIGN KEY (account_id) REFERENCES account (account_id)
);

-- Where else somebody is known.
CREATE INDEX contact_email ON contact (lower(doc -> 'email' ->> 'value'));
CREATE INDEX contact_by_id ON contact (contact_id);

-- What partners were shown on which purpose, for recalls.
CREATE INDEX share_receipt_purpose ON share_receipt (account_id, purpose);

-- A command that asks a recipient to erase or to stop using something: caused by an erasure, or by a consent that ended.
ALTER TABLE delivery ADD COLUMN privacy_id uuid;
ALTER TABLE delivery DROP CONSTRAINT delivery_cause;
ALTER TABLE delivery ADD CONSTRAINT delivery_cause
    CHECK (num_nonnulls(decision_id, entry_id, digest_id, privacy_id) = 1 AND (entry_id IS NULL) = (handoff_id IS NULL));
ALTER TABLE delivery ADD CONSTRAINT delivery_once_privacy UNIQUE (account_id, privacy_id, destination);

-- A package is sealed once its handoff is not held any more. Only an erasure changes it, which says so in its own
-- transaction and writes the digest of what is left to the audit log.
CREATE FUNCTION handoff_package_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('gtm.erasure', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION 'the package of handoff % is sealed', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER handoff_package_sealed BEFORE UPDATE OF package, package_digest ON handoff
    FOR EACH ROW WHEN (OLD.status <> 'held') EXECUTE FUNCTION handoff_package_sealed();
