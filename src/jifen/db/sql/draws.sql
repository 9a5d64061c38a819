-- What the outside asks of lotteries. A seed leaves the database only once it is revealed.

-- name: open_rounds
-- All rounds that may be drawn from.
SELECT draw, round, commitment, opened_at, drawn, NULL::timestamptz AS revealed_at, NULL::bytea AS seed
FROM draw_rounds WHERE revealed_at IS NULL

-- name: round
-- $1 shard, $2 draw, $3 a round, or null: the newest.
SELECT draw, round, commitment, opened_at, drawn, revealed_at, CASE WHEN revealed_at IS NOT NULL THEN seed END AS seed
FROM draw_rounds WHERE shard = $1 AND draw = $2 AND ($3::integer IS NULL OR round = $3)
ORDER BY round DESC LIMIT 1

-- name: open_round
-- $1 shard, $2 draw, $3 seed, $4 when, $5 by whom. No row: there is an open one.
INSERT INTO draw_rounds (shard, draw, round, seed, commitment, opened_at, opened_by)
SELECT $1, $2, (SELECT coalesce(max(round), 0) + 1 FROM draw_rounds WHERE shard = $1 AND draw = $2), $3, sha256($3), $4, $5
ON CONFLICT DO NOTHING
RETURNING draw, round, commitment, opened_at, drawn, revealed_at, NULL::bytea AS seed

-- name: reveal_round
-- $1 shard, $2 draw, $3 a round, or null: the open one, $4 when, $5 by whom. No row: it is not open. Waits for whoever
-- draws from it at this moment; whoever comes later finds it revealed.
UPDATE draw_rounds SET revealed_at = $4, revealed_by = $5
WHERE shard = $1 AND draw = $2 AND ($3::integer IS NULL OR round = $3) AND revealed_at IS NULL
RETURNING draw, round, commitment, opened_at, drawn, revealed_at, seed

-- name: drawn
-- $1 shard, $2 draw, $3 round, $4 only after this number, $5 how many, $6 a member, or null: everybody.
SELECT n.number, n.member_id, n.sequence, t.program_version, t.recorded_at, t.trace
FROM drawn_numbers n
JOIN transactions t ON t.shard = n.member_shard AND t.member_id = n.member_id AND t.sequence = n.sequence
WHERE n.shard = $1 AND n.draw = $2 AND n.round = $3 AND n.number > $4 AND ($6::bigint IS NULL OR n.member_id = $6)
ORDER BY n.number
LIMIT $5

-- name: used
-- $1 shards, $2 names. What all members together used.
SELECT u.name, u.used FROM unnest($1::smallint[], $2::text[]) AS wanted (shard, name)
JOIN shared_usages u ON u.shard = wanted.shard AND u.name = wanted.name
