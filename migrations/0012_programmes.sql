-- Programmes: what a run was made of, the files that it made, and the history that its repository is written from.

-- The files of a definition, by their digest: a run that goes on after the definition was changed goes on by its own.
CREATE TABLE programme_definition (
    digest text COLLATE "C" NOT NULL CONSTRAINT programme_definition_pkey PRIMARY KEY,
    files  json NOT NULL
);

-- One run; its plan has the same id, and whoever changes anything of it holds the row of the plan.
CREATE TABLE programme (
    id         uuid NOT NULL CONSTRAINT programme_pkey PRIMARY KEY,
    company    text NOT NULL,
    product    text NOT NULL,
    mode       text,
    -- The business configuration as it was given.
    config     text NOT NULL,
    definition text COLLATE "C" NOT NULL CONSTRAINT programme_definition_of REFERENCES programme_definition (digest),
    -- Which part of the definition is run, and which kind of worker fills each agent.
    scope      json NOT NULL,
    workers    json NOT NULL,
    -- The coordinator's look before it began.
    advice     json NOT NULL,
    based_on   uuid CONSTRAINT programme_based_on REFERENCES programme (id),
    created_at timestamptz NOT NULL,
    created_by text NOT NULL
);
CREATE INDEX programme_of_company ON programme (company, id);

-- A file of a workspace in one version; the newest counts.
CREATE TABLE programme_file (
    programme_id uuid NOT NULL CONSTRAINT programme_file_of REFERENCES programme (id),
    -- Below the root of the workspace.
    path         text COLLATE "C" NOT NULL,
    version      integer NOT NULL CONSTRAINT programme_file_version CHECK (version > 0),
    content      text NOT NULL,
    -- Of a deliverable; charts, statuses and conflicts have none.
    kind         text,
    agent        text NOT NULL,
    -- The task that made it, within the plan.
    task         text,
    made_at      timestamptz NOT NULL,
    made_by      text NOT NULL,
    CONSTRAINT programme_file_pkey PRIMARY KEY (programme_id, path, version)
);

-- What happened, in the order in which the repository has it. Each thing happens once.
CREATE TABLE programme_entry (
    programme_id uuid NOT NULL CONSTRAINT programme_entry_of REFERENCES programme (id),
    number       integer NOT NULL CONSTRAINT programme_entry_number CHECK (number > 0),
    once         text COLLATE "C" NOT NULL,
    doc          json NOT NULL,
    at           timestamptz NOT NULL,
    CONSTRAINT programme_entry_pkey PRIMARY KEY (programme_id, number),
    CONSTRAINT programme_entry_once UNIQUE (programme_id, once)
);

-- Two outputs that contradict each other, and what the coordinator decided.
CREATE TABLE programme_conflict (
    programme_id uuid NOT NULL CONSTRAINT programme_conflict_of REFERENCES programme (id),
    number       integer NOT NULL CONSTRAINT programme_conflict_number CHECK (number > 0),
    raised_by    text NOT NULL,
    raised_at    timestamptz NOT NULL,
    -- The files that contradict each other.
    files        text[] NOT NULL,
    description  text NOT NULL,
    decision     text,
    rationale    text,
    decided_by   text,
    decided_at   timestamptz,
    -- Files that were changed because of the decision.
    applied      text[] NOT NULL,
    CONSTRAINT programme_conflict_pkey PRIMARY KEY (programme_id, number),
    CONSTRAINT programme_conflict_files CHECK (cardinality(files) > 0),
    CONSTRAINT programme_conflict_decided CHECK (
        num_nonnulls(decision, rationale, decided_by, decided_at) IN (0, 4)),
    CONSTRAINT programme_conflict_applied CHECK (decision IS NOT NULL OR cardinality(applied) = 0)
);
