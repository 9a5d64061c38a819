-- What time has done to accounts without anybody asking: whom to settle, and what the settling came to.

-- name: count_due
-- $1 now, $2 the tier sets of the program, $3 whether tiers alone are asked for.
SELECT (SELECT count(*) FROM accounts WHERE next_change_at <= $1 AND NOT $3)
       + (SELECT count(*) FROM member_tiers WHERE look_at <= $1 AND tier_set = ANY ($2::text[]))

-- name: due_members
-- $1 now, $2 how many accounts and tiers to look at, $3 the tier sets of the program, $4 whether tiers alone are asked
-- for. The members of the accounts and tiers that are due longest. Whoever is settled leaves the indexes, so asking again
-- gives the next ones.
SELECT due.member_id
FROM (
    (SELECT shard, member_id FROM accounts WHERE next_change_at <= $1 AND NOT $4 ORDER BY next_change_at LIMIT $2)
    UNION ALL
    (SELECT shard, member_id FROM member_tiers WHERE look_at <= $1 AND tier_set = ANY ($3::text[])
     ORDER BY look_at LIMIT $2)
) due
GROUP BY due.shard, due.member_id
ORDER BY due.shard, due.member_id

-- name: due_redemptions
-- $1 now, $2 how many. Those that nobody paid or decided on in time, due longest first.
SELECT member_id, sequence FROM redemptions WHERE until <= $1 ORDER BY until LIMIT $2

-- name: count_settled
-- $1 shards, $2 member ids, $3 and $4 the last sequence before and after settling; $5 source of what time does by itself;
-- kinds: $6 expire, $7 mature, $8 hold expire, $11 tier; buckets: $9 expired, $10 pending.
SELECT count(*) FILTER (WHERE t.kind = $6 AND m.to_bucket = $9) AS lots_expired,
       coalesce(sum(m.amount) FILTER (WHERE t.kind = $6 AND m.to_bucket = $9), 0)::bigint AS points_expired,
       count(*) FILTER (WHERE t.kind = $7 AND m.from_bucket = $10) AS lots_matured,
       count(DISTINCT (t.member_id, t.sequence)) FILTER (WHERE t.kind = $8) AS holds_ended,
       count(*) FILTER (WHERE t.kind = $11) AS tiers_reviewed,
       count(*) FILTER (WHERE t.kind = $11 AND t.trace -> 'tier' ->> 'was' <> t.trace -> 'tier' ->> 'tier') AS tiers_moved
FROM unnest($1::smallint[], $2::bigint[], $3::integer[], $4::integer[]) AS settled (shard, member_id, before, after)
JOIN transactions t ON t.shard = settled.shard AND t.member_id = settled.member_id
    AND t.sequence > settled.before AND t.sequence <= settled.after AND t.source = $5
LEFT JOIN movements m ON m.shard = t.shard AND m.member_id = t.member_id AND m.sequence = t.sequence
