-- Wallets: savings, and what waits for a second person.

-- Points in savings; like the other buckets it is derived from movements and proven by `jifen verify`.
ALTER TABLE accounts ADD COLUMN saved bigint NOT NULL DEFAULT 0 CHECK (saved >= 0);

-- Savings that hold something. `pieces` says of which lots: [[lot, amount, {terms}], ...], as for holds.
CREATE TABLE savings (
    shard         smallint NOT NULL,
    member_id     bigint NOT NULL,
    sequence      integer NOT NULL,        -- of the transaction that put the points there
    wallet        smallint NOT NULL,
    remaining     bigint NOT NULL CHECK (remaining > 0),
    expires_at    timestamptz NOT NULL,
    pieces        json NOT NULL,
    PRIMARY KEY (shard, member_id, sequence)
);

CREATE SEQUENCE approval_ids AS integer;

-- What waits for a second person, or waited. `command` is done when it is approved, by its `kind`; then `sequence` is
-- the transaction that it made. A row is added and decided under the lock of the member's accounts.
CREATE TABLE approvals (
    shard           smallint NOT NULL,     -- of the member
    approval_id     integer NOT NULL,
    member_id       bigint NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('adjust')),
    command         json NOT NULL,
    reason          text,
    asked_by        text NOT NULL,
    asked_at        timestamptz NOT NULL,
    lapses_at       timestamptz NOT NULL,
    state           text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'approved', 'rejected')),
    decided_by      text,
    decided_at      timestamptz,
    decision_reason text,
    sequence        integer,
    CHECK ((state = 'waiting') = (decided_by IS NULL) AND (state = 'waiting') = (decided_at IS NULL)),
    CHECK ((state = 'approved') = (sequence IS NOT NULL)),
    CHECK (decided_by <> asked_by),
    PRIMARY KEY (shard, approval_id)
);
CREATE INDEX approvals_by_id ON approvals (approval_id);

CREATE OR REPLACE VIEW balances AS
    SELECT a.shard, a.member_id, w.id AS wallet, a.available, a.pending, a.held, a.debt, a.next_change_at, a.saved
    FROM accounts a JOIN wallets w ON w.number = a.wallet;
