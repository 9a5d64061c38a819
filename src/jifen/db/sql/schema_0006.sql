-- Tiers: where members stand, and the recalculations that were asked for.

-- Where a member stands in a tier set (jifen.core.tiers.standing.Standing). No row: never moved. Derived from the
-- transactions of kind 18, and proven by `jifen verify`.
CREATE TABLE member_tiers (
    shard         smallint NOT NULL,
    member_id     bigint NOT NULL,
    tier_set      text NOT NULL,
    tier          text NOT NULL,           -- the one in force; empty: none
    since         timestamptz NOT NULL,
    came_by       text NOT NULL,           -- earned, manual, invited, paid
    valid_until   timestamptz,             -- when it is reviewed or ends; null: never
    look_at       timestamptz,             -- when time changes something next; null: never
    standing      json NOT NULL,
    PRIMARY KEY (shard, member_id, tier_set)
) WITH (fillfactor = 90);
CREATE INDEX member_tiers_due ON member_tiers (look_at) WHERE look_at IS NOT NULL;

-- Members are worked out anew shard by shard, in the order of their numbers; what is done is known, so that a
-- recalculation that was stopped goes on from there.
CREATE TABLE tier_recalculations (
    id            bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    asked_at      timestamptz NOT NULL DEFAULT now(),
    asked_by      text NOT NULL,
    program_version integer NOT NULL,
    status        text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'failed', 'stopped')),
    members_done  bigint NOT NULL DEFAULT 0,
    members_total bigint NOT NULL DEFAULT 0,
    members_moved bigint NOT NULL DEFAULT 0,
    next_shard    smallint NOT NULL DEFAULT 0,
    after_member  bigint NOT NULL DEFAULT 0,
    seen_at       timestamptz NOT NULL DEFAULT now(),  -- when its process last said that it is there
    error_code    text,
    error         text
);
-- Two at once would do the same work twice.
CREATE UNIQUE INDEX tier_recalculations_running ON tier_recalculations (status) WHERE status = 'running';
