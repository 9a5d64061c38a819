-- Rewards and redemption: what was asked for and how it stands, the stock it draws on, and the codes it gave.

-- Redemptions as they stand: the `redemption` of the trace of the last transaction about each (`last_step`).
CREATE TABLE redemptions (
    shard         smallint NOT NULL,
    member_id     bigint NOT NULL,
    sequence      integer NOT NULL,        -- of the transaction that asked for it
    last_step     integer NOT NULL,        -- of the last transaction about it
    reward        text NOT NULL,
    state         text NOT NULL,           -- of jifen.core.redemption.machine
    requested_at  timestamptz NOT NULL,
    until         timestamptz,             -- when time ends what it waits for; null: never
    content       json NOT NULL,
    PRIMARY KEY (shard, member_id, sequence)
);
CREATE INDEX redemptions_due ON redemptions (until) WHERE until IS NOT NULL;
-- What somebody has to do something about: few among the many that are done.
CREATE INDEX redemptions_open ON redemptions (state, requested_at, member_id, sequence)
    WHERE state IN ('waiting_for_payment', 'waiting_for_approval', 'approved');
CREATE INDEX redemptions_of_reward ON redemptions (reward, requested_at);

-- Stock of rewards: how many pieces there ever were, and how many redemptions have taken. Locked by every batch that
-- may draw on it; `taken` may be above `pieces` where those were corrected afterwards.
CREATE TABLE stocks (
    shard         smallint NOT NULL,       -- of the reward
    reward        text NOT NULL,
    pieces        bigint NOT NULL CHECK (pieces >= 0),
    taken         bigint NOT NULL DEFAULT 0 CHECK (taken >= 0),
    changes       integer NOT NULL CHECK (changes > 0),    -- how often the pieces were set
    PRIMARY KEY (shard, reward)
);

CREATE TABLE stock_changes (
    shard         smallint NOT NULL,       -- of the reward
    reward        text NOT NULL,
    number        integer NOT NULL CHECK (number > 0),     -- 1, 2, 3 ... for each reward
    digest        bytea NOT NULL,          -- of the key that makes the change unique for ever
    payload_digest bytea NOT NULL,
    pieces        bigint NOT NULL,         -- from then on
    taken         bigint NOT NULL,         -- at that moment
    actor         text NOT NULL,
    reason        text,
    recorded_at   timestamptz NOT NULL,
    PRIMARY KEY (shard, reward, number),
    UNIQUE (shard, reward, digest)
);
CREATE TRIGGER stock_changes_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The codes of a merchant's own, in the order in which they are given. Free: no member.
CREATE TABLE code_pool (
    shard         smallint NOT NULL,       -- of the reward
    reward        text NOT NULL,
    number        bigint GENERATED ALWAYS AS IDENTITY,
    code          text NOT NULL,
    member_id     bigint,
    sequence      integer,                 -- of the redemption that it is reserved for or was given to
    PRIMARY KEY (shard, reward, number)
);
CREATE INDEX code_pool_free ON code_pool (shard, reward, number) WHERE member_id IS NULL;
CREATE INDEX code_pool_codes ON code_pool (shard, reward, code);

-- Whose coupon a code is. Codes of a pool stand here from the start, so that none is there twice; nobody's until given.
CREATE TABLE coupons (
    shard         smallint NOT NULL,       -- of the digest
    digest        bytea NOT NULL,
    code          text NOT NULL,
    member_id     bigint,
    sequence      integer,                 -- of the redemption
    PRIMARY KEY (shard, digest)
);

-- What quotes are signed with. Two random UUIDs: 244 random bits.
ALTER TABLE installation ADD COLUMN quote_secret bytea NOT NULL
    DEFAULT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- What a key may approve.
ALTER TABLE api_keys ADD COLUMN roles text[] NOT NULL DEFAULT '{}';
