-- The ledger: what happened (transactions, movements), what follows from it (accounts, lots, holds),
-- and what finds it again (keys, identities).
--
-- Every table that grows with members begins its primary key with `shard`, a fixed hash (see
-- jifen.core.identity): of the member for what belongs to one member, of the key or identity itself for the
-- look-up tables, so that those stay unique over the whole program however it is distributed.

CREATE TABLE installation (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    shards        smallint NOT NULL CHECK (shards BETWEEN 1 AND 4096),
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE program_versions (
    version       integer PRIMARY KEY CHECK (version > 0),
    applied_at    timestamptz NOT NULL,
    applied_by    text NOT NULL,
    digest        bytea NOT NULL,          -- of the canonical content: applying the same file twice makes no version
    content       json NOT NULL,           -- canonical, what the engine reads
    source        text NOT NULL            -- the file as its author wrote it
);

-- A wallet's number is given once and never reused; versions of the program name wallets by their id.
CREATE TABLE wallets (
    number        smallint PRIMARY KEY CHECK (number > 0),
    id            text NOT NULL UNIQUE
);

CREATE TABLE api_keys (
    id            text PRIMARY KEY,
    name          text NOT NULL,
    secret_digest bytea NOT NULL,          -- SHA-256 of a 256-bit random secret: slow hashing is for guessable secrets
    created_at    timestamptz NOT NULL,
    revoked_at    timestamptz
);

-- Engines take member ids in blocks, so that registering needs no round trip.
CREATE SEQUENCE member_ids AS bigint START 100001 INCREMENT 1000;

CREATE TABLE members (
    shard         smallint NOT NULL,
    member_id     bigint NOT NULL,
    status        text NOT NULL DEFAULT 'active' CHECK (status IN ('active')),
    registered_at timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL,
    PRIMARY KEY (shard, member_id)
);

CREATE TABLE identities (
    shard         smallint NOT NULL,       -- of (kind, value)
    kind          text NOT NULL,
    value         text NOT NULL,
    member_id     bigint NOT NULL,
    member_shard  smallint NOT NULL,       -- so that an identity leads to the accounts in one statement
    PRIMARY KEY (shard, kind, value)
);
CREATE INDEX identities_of_member ON identities (member_id);

-- What a batch locks. Its columns are derived from movements and proven by `jifen verify`.
CREATE TABLE accounts (
    shard          smallint NOT NULL,
    member_id      bigint NOT NULL,
    wallet         smallint NOT NULL,
    last_sequence  integer NOT NULL CHECK (last_sequence >= 0),   -- the last transaction that touched this account
    available      bigint NOT NULL CHECK (available >= 0),
    pending        bigint NOT NULL CHECK (pending >= 0),
    held           bigint NOT NULL CHECK (held >= 0),
    debt           bigint NOT NULL CHECK (debt >= 0),
    next_change_at timestamptz NOT NULL,   -- not later than the next instant at which a lot matures or expires, or a hold ends; the year 9999: never
    CHECK (debt = 0 OR available = 0),
    PRIMARY KEY (shard, member_id, wallet)
) WITH (fillfactor = 75);
-- Rarely changes with an update (new lots expire last), so updates of the balances stay heap-only.
CREATE INDEX accounts_due ON accounts (next_change_at) WHERE next_change_at < '9999-01-01 00:00:00+00';

CREATE TABLE transactions (
    shard           smallint NOT NULL,
    member_id       bigint NOT NULL,
    sequence        integer NOT NULL CHECK (sequence > 0),  -- 1, 2, 3 ... for each member, without gaps
    kind            smallint NOT NULL,
    program_version integer NOT NULL,
    refers_to       integer,               -- the same member's transaction that this one reverses, captures or releases
    counterpart_id  bigint,                -- transfer: the other member,
    counterpart_sequence integer,          --   and the transaction there
    occurred_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    source          text NOT NULL,         -- with key_id: what makes the command unique for ever
    key_id          text NOT NULL,
    actor           text NOT NULL,
    reason          text,
    facts           json,                  -- what came in, as far as a later refund or question needs it
    trace           json NOT NULL,         -- what was decided and why; balances after
    PRIMARY KEY (shard, member_id, sequence)
);
CREATE INDEX transactions_referring ON transactions (shard, member_id, refers_to) WHERE refers_to IS NOT NULL;

-- One row is a debit and a credit. A lot is named after the movement that opened it: 2^20 * sequence + position.
CREATE TABLE movements (
    shard         smallint NOT NULL,
    member_id     bigint NOT NULL,
    sequence      integer NOT NULL,
    position      integer NOT NULL CHECK (position >= 0),
    wallet        smallint NOT NULL,
    from_bucket   smallint NOT NULL,
    to_bucket     smallint NOT NULL,
    lot           bigint NOT NULL,         -- 0: no lot (debt)
    amount        bigint NOT NULL CHECK (amount > 0),
    earned_at     timestamptz,             -- the three terms of a lot, on the movement that opens it
    effective_at  timestamptz,
    expires_at    timestamptz,
    CHECK (from_bucket <> to_bucket),
    PRIMARY KEY (shard, member_id, sequence, position)
);

-- Expired points of a lot are asked for by every refund; among a long history they are few.
CREATE INDEX movements_expired ON movements (shard, member_id, lot) WHERE to_bucket = 12 OR from_bucket = 12;

-- Open lots only, in the order in which they are spent. A lot with nothing left has no row;
-- its terms stay on the movement that opened it.
CREATE TABLE lots (
    shard         smallint NOT NULL,
    member_id     bigint NOT NULL,
    wallet        smallint NOT NULL,
    pending       boolean NOT NULL,
    expires_at    timestamptz NOT NULL,
    earned_at     timestamptz NOT NULL,
    lot           bigint NOT NULL,
    effective_at  timestamptz NOT NULL,
    remaining     bigint NOT NULL CHECK (remaining > 0),
    PRIMARY KEY (shard, member_id, wallet, pending, expires_at, earned_at, lot)
) WITH (fillfactor = 90);

-- Open holds only. `pieces` says which lots feed the hold: [[lot, amount, earned_at, effective_at, expires_at], ...].
CREATE TABLE holds (
    shard         smallint NOT NULL,
    member_id     bigint NOT NULL,
    sequence      integer NOT NULL,        -- of the transaction that placed the hold
    wallet        smallint NOT NULL,
    remaining     bigint NOT NULL CHECK (remaining > 0),
    expires_at    timestamptz NOT NULL,
    pieces        json NOT NULL,
    PRIMARY KEY (shard, member_id, sequence)
);

-- Permanent idempotency: digest = first 16 bytes of SHA-256 over (namespace, source, id).
CREATE TABLE keys (
    shard          smallint NOT NULL,      -- of the digest
    digest         bytea NOT NULL,
    payload_digest bytea NOT NULL,         -- first 8 bytes of SHA-256 of the canonical payload
    member_id      bigint NOT NULL,
    sequence       integer NOT NULL,       -- 0: a registration
    repeats        boolean NOT NULL DEFAULT false,  -- the command only told again, under a new key, what had been done
    PRIMARY KEY (shard, digest)
);

-- One row for each batch that changed something: the transactions it made, for whoever acts on them afterwards.
CREATE TABLE outbox (
    id            bigint GENERATED ALWAYS AS IDENTITY,
    shard         smallint NOT NULL,
    recorded_at   timestamptz NOT NULL,
    member_ids    bigint[] NOT NULL,
    sequences     integer[] NOT NULL,
    CHECK (cardinality(member_ids) = cardinality(sequences)),
    PRIMARY KEY (shard, id)
);

-- What is written stays written, whoever is connected.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER movements_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON movements
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transactions_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transactions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keys_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON keys
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER program_versions_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON program_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The sum of whole numbers as a whole number: `sum(bigint)` counts in numeric, which running balances need not.
CREATE AGGREGATE total(bigint) (
    SFUNC = int8pl, STYPE = bigint, INITCOND = '0', COMBINEFUNC = int8pl, PARALLEL = safe
);

-- A balance as of an instant, a lot's history: all by member, all from the primary keys above.
CREATE VIEW balances AS
    SELECT a.shard, a.member_id, w.id AS wallet, a.available, a.pending, a.held, a.debt, a.next_change_at
    FROM accounts a JOIN wallets w ON w.number = a.wallet;
