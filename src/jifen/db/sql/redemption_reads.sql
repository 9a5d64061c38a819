-- What the outside asks of rewards and redemptions. Nothing here takes a lock.

-- name: counters
-- $1 shard, $2 member id. What the member's events add up to; it stands on the account of the lowest number.
SELECT counters, uses FROM accounts WHERE shard = $1 AND member_id = $2 ORDER BY wallet LIMIT 1

-- name: life
-- $1 shard, $2 member id.
SELECT status, coalesce(merged_into, 0) AS merged_into FROM members WHERE shard = $1 AND member_id = $2

-- name: stocks
SELECT reward, pieces, taken FROM stocks

-- name: sold_out
-- $1 shard of the reward, $2 reward, $3 how many owners at most. One statement, so one moment: nothing is left, and these
-- members asked with success before.
SELECT ARRAY(SELECT DISTINCT member_id FROM (SELECT member_id FROM redemptions WHERE reward = $2 LIMIT $3) asked) AS owners
FROM stocks WHERE shard = $1 AND reward = $2 AND taken >= pieces

-- name: redemption
-- $1 shard, $2 member id, $3 sequence.
SELECT content FROM redemptions WHERE shard = $1 AND member_id = $2 AND sequence = $3

-- name: steps_of_redemption
-- $1 shard, $2 member id, $3 sequence, $4 how many. What was done to it, the last first. Kinds: 13 asked for, 14 a later step.
SELECT sequence, actor, reason, occurred_at, coalesce(trace ->> 'step', 'redeem') AS step,
       trace -> 'redemption' ->> 'state' AS state
FROM transactions
WHERE shard = $1 AND member_id = $2 AND (sequence = $3 OR refers_to = $3) AND kind IN (13, 14)
ORDER BY sequence DESC
LIMIT $4

-- name: redemptions_of_member
-- $1 shard, $2 member id, $3 only before this sequence, $4 state or null, $5 how many. Newest first.
SELECT member_id, sequence, content FROM redemptions
WHERE shard = $1 AND member_id = $2 AND sequence < $3 AND ($4::text IS NULL OR state = $4)
ORDER BY sequence DESC
LIMIT $5

-- name: open_redemptions
-- $1 states, $2 to $4 only after this (requested_at, member id, sequence), $5 how many. What is to be paid, approved or
-- delivered; oldest first. Says just what the index says.
SELECT member_id, sequence, requested_at, content FROM redemptions
WHERE state = ANY ($1::text[])
    AND (state IN ('waiting_for_payment', 'waiting_for_approval')
         OR state = 'approved' AND content ->> 'fulfilment' IN ('shipping', 'booking', 'digital'))
    AND (requested_at, member_id, sequence) > ($2, $3::bigint, $4::integer)
ORDER BY requested_at, member_id, sequence
LIMIT $5

-- name: deliveries
-- $1 to $3 only before this (requested_at, member id, sequence), $4 how many. What was delivered, newest first.
SELECT member_id, sequence, requested_at, content FROM redemptions
WHERE state = 'fulfilled' AND content ->> 'fulfilment' IN ('shipping', 'booking', 'digital')
    AND (requested_at, member_id, sequence) < ($1, $2::bigint, $3::integer)
ORDER BY requested_at DESC, member_id DESC, sequence DESC
LIMIT $4

-- name: coupon
-- $1 shard of the digest, $2 digest.
SELECT member_id, sequence FROM coupons WHERE shard = $1 AND digest = $2 AND member_id IS NOT NULL

-- name: due_redemptions
-- $1 now, $2 how many. Those for which time ran out longest ago.
SELECT member_id, sequence FROM redemptions WHERE until <= $1 ORDER BY until LIMIT $2

-- name: rewards_began
-- $1 now. From when on each reward is there: the first version that had it and that ever held (one that begins no earlier
-- than a later version never does).
SELECT reward ->> 'id' AS reward, min(v.effective_at) AS began
FROM program_versions v CROSS JOIN LATERAL json_array_elements(v.content -> 'rewards') AS reward
WHERE v.effective_at <= $1 AND coalesce(reward ->> 'retired', 'false') = 'false' AND NOT EXISTS (
    SELECT 1 FROM program_versions later WHERE later.version > v.version AND later.effective_at <= v.effective_at
)
GROUP BY reward ->> 'id'

-- name: set_stock
-- $1 shard, $2 reward, $3 pieces or null, $4 pieces more or fewer, $5 and $6 digests of the key and what was said,
-- $7 actor, $8 reason, $9 now. Nothing where the key was used before.
WITH changed AS (
    INSERT INTO stocks (shard, reward, pieces, taken, changes)
    SELECT $1::smallint, $2::text, coalesce($3::bigint, $4::bigint), 0, 1
    WHERE NOT EXISTS (SELECT FROM stock_changes WHERE shard = $1 AND reward = $2 AND digest = $5)
    ON CONFLICT (shard, reward) DO UPDATE
        SET pieces = coalesce($3::bigint, stocks.pieces + $4::bigint), changes = stocks.changes + 1
    RETURNING pieces, taken, changes
)
INSERT INTO stock_changes (shard, reward, number, digest, payload_digest, pieces, taken, actor, reason, recorded_at)
SELECT $1, $2, changes, $5::bytea, $6::bytea, pieces, taken, $7::text, $8::text, $9::timestamptz FROM changed
RETURNING pieces, taken

-- name: stock_change
-- $1 shard, $2 reward, $3 digest.
SELECT payload_digest, pieces, taken FROM stock_changes WHERE shard = $1 AND reward = $2 AND digest = $3

-- name: add_codes
-- $1 shard, $2 reward, $3 shards of the codes' digests, $4 digests, $5 codes, $6 and $7 digests that name the change,
-- $8 actor, $9 now, $10 reason. Codes that are known already are left out; how many were added.
WITH fresh AS (
    INSERT INTO coupons (shard, digest, code)
    SELECT * FROM unnest($3::smallint[], $4::bytea[], $5::text[]) AS new (shard, digest, code)
    ORDER BY new.shard, new.digest
    ON CONFLICT DO NOTHING
    RETURNING code
), pooled AS (
    INSERT INTO code_pool (shard, reward, code)
    SELECT $1::smallint, $2::text, code FROM unnest($5::text[]) WITH ORDINALITY AS given (code, place)
    WHERE code IN (SELECT code FROM fresh)
    ORDER BY place
), changed AS (
    INSERT INTO stocks (shard, reward, pieces, taken, changes)
    SELECT $1::smallint, $2::text, count(*), 0, 1 FROM fresh HAVING count(*) > 0
    ON CONFLICT (shard, reward) DO UPDATE SET pieces = stocks.pieces + EXCLUDED.pieces, changes = stocks.changes + 1
    RETURNING pieces, taken, changes
), told AS (
    INSERT INTO stock_changes (shard, reward, number, digest, payload_digest, pieces, taken, actor, reason, recorded_at)
    SELECT $1, $2, changes, $6::bytea, $7::bytea, pieces, taken, $8::text, $10::text, $9::timestamptz FROM changed
)
SELECT (SELECT count(*) FROM fresh) AS added, coalesce((SELECT pieces FROM changed), 0) AS pieces
