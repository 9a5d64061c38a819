-- Files that came over HTTP to be imported.

-- The file itself lies in the folder of uploads, for as long as it is needed; here stands what is known of it. A process
-- of its own looks it through ('checking') and, when somebody has seen the report, imports it ('running').
CREATE TABLE imports (
    id            bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    uploaded_at   timestamptz NOT NULL DEFAULT now(),
    uploaded_by   text NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('members', 'orders', 'balances')),
    file_name     text NOT NULL,           -- as the sender called it: shown, never used as a path
    file_bytes    bigint NOT NULL CHECK (file_bytes > 0),
    stored_as     text NOT NULL,           -- what it is called in the folder of uploads
    kept_until    timestamptz NOT NULL,    -- the file, where nobody imports it
    file_deleted_at timestamptz,           -- null: still there
    mapping       text,                    -- YAML; null: to be proposed from the header
    is_proposed   boolean NOT NULL,        -- whether jifen proposed the mapping
    status        text NOT NULL DEFAULT 'uploaded' CHECK (
        status IN ('uploaded', 'checking', 'checked', 'running', 'done', 'failed', 'stopped')),
    attempt       integer NOT NULL DEFAULT 0,  -- which process is at work: of an earlier one nothing is taken any more
    percent       smallint NOT NULL DEFAULT 0,
    rows_done     bigint NOT NULL DEFAULT 0,
    rows_total    bigint NOT NULL DEFAULT 0,
    seen_at       timestamptz NOT NULL DEFAULT now(),  -- when its process last said that it is there
    started_at    timestamptz,             -- the import, not the look through the file; the last time
    started_by    text,
    ended_at      timestamptz,             -- when it was done, stopped or failed
    report        json,                    -- of the look through it
    result        json,                    -- of the import
    error_code    text,
    error         text
);
-- One process at a time for an installation, and never two of one import.
CREATE UNIQUE INDEX imports_at_work ON imports ((true)) WHERE status IN ('checking', 'running');
