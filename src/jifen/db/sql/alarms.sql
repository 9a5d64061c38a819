-- What alarms look at (jifen.services.alarms).

-- name: issued_between
-- $1 from, $2 until, $3 time zone. Points issued by local day and wallet. Kinds: 1 earn, 8 reverse (a refund may give
-- more than it takes), 12 correct; bucket 10: issued.
SELECT (t.recorded_at AT TIME ZONE $3)::date AS day, m.wallet, sum(m.amount)::bigint AS points
FROM transactions t
JOIN movements m ON m.shard = t.shard AND m.member_id = t.member_id AND m.sequence = t.sequence
WHERE t.recorded_at >= $1 AND t.recorded_at < $2 AND t.kind IN (1, 8, 12) AND m.from_bucket = 10
GROUP BY 1, 2

-- name: counted_days
-- $1 first day, $2 last day.
SELECT day, wallet, points FROM issued_days WHERE day BETWEEN $1 AND $2

-- name: keep_days
-- $1 days, $2 wallets, $3 points.
INSERT INTO issued_days (day, wallet, points) SELECT * FROM unnest($1::date[], $2::smallint[], $3::bigint[])
ON CONFLICT DO NOTHING

-- name: shared_uses
-- $1 names. What all members together used.
SELECT name, used FROM shared_usages WHERE name = ANY($1)
