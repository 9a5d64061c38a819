-- Where members stand in tier sets, what they did month by month, and recalculations.

-- name: load_months
-- $1 shards, $2 member ids, $3 the program's time zone. What transactions say of each local month, as
-- jifen.core.rules.months counts it: an order's refunds and corrections (8, 12) belong to the month of the order (1).
WITH told AS (
    SELECT t.shard, t.member_id, t.kind, t.trace,
           CASE WHEN t.kind = 1 AND t.facts IS NOT NULL AND NOT starts_with(t.facts::text, '{"event":') THEN 1 ELSE 0 END
               AS orders,
           CASE t.kind WHEN 1 THEN t.occurred_at ELSE origin.occurred_at END AS happened_at
    FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
    JOIN transactions t ON t.shard = wanted.shard AND t.member_id = wanted.member_id AND t.kind IN (1, 8, 12)
    LEFT JOIN transactions origin ON origin.shard = t.shard AND origin.member_id = t.member_id
        AND origin.sequence = t.refers_to AND origin.kind = 1
    WHERE t.kind = 1 OR origin.sequence IS NOT NULL
), by_month AS (
    SELECT *, to_char(happened_at AT TIME ZONE $3, 'YYYYMM')::integer AS month FROM told
), earned AS (
    SELECT b.member_id, b.month, (each ->> 1)::smallint AS wallet, (each ->> 2)::bigint AS points
    FROM by_month b CROSS JOIN LATERAL json_array_elements(b.trace -> 'awards') AS each
    WHERE b.kind = 1
    UNION ALL
    SELECT b.member_id, b.month, (each ->> 'wallet')::smallint, -(each ->> 'points')::bigint
    FROM by_month b CROSS JOIN LATERAL json_array_elements(b.trace -> 'taken_back') AS each
    WHERE b.kind <> 1
)
SELECT member_id, month, sum(orders)::bigint AS orders, sum(coalesce((trace ->> 'spent')::bigint, 0))::bigint AS spent,
       NULL::smallint AS wallet, NULL::bigint AS points
FROM by_month GROUP BY member_id, month
UNION ALL
SELECT member_id, month, 0, 0, wallet, sum(points)::bigint FROM earned GROUP BY member_id, month, wallet
ORDER BY member_id, month

-- name: merged_into
-- $1 shards, $2 member ids. Who was merged into each of them.
SELECT g.member_id, g.from_id
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
CROSS JOIN LATERAL (
    SELECT * FROM merges WHERE shard = wanted.shard AND member_id = wanted.member_id AND undone_at IS NULL OFFSET 0
) g

-- name: write_tiers
-- $1 shards, $2 member ids, $3 sets, $4 tiers, $5 since, $6 by, $7 valid until, $8 look at, $9 standings.
INSERT INTO member_tiers (shard, member_id, tier_set, tier, since, came_by, valid_until, look_at, standing)
SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::text[],
                     $7::timestamptz[], $8::timestamptz[], $9::json[])
ON CONFLICT (shard, member_id, tier_set) DO UPDATE SET tier = EXCLUDED.tier, since = EXCLUDED.since,
    came_by = EXCLUDED.came_by, valid_until = EXCLUDED.valid_until, look_at = EXCLUDED.look_at,
    standing = EXCLUDED.standing

-- name: write_moves
-- What was decided of members of a shard without a lock ($1 shard, $2 when, $3 kind, $4 version of the program, $5 source),
-- for whoever is still as they were seen. Accounts: $6 places, $7 which transactions had left them so, $8 member ids,
-- $9 wallets, $10 last sequences, $11 counters (null: as they were), $12 marks (jifen.engine.marks). Transactions: $13 member ids, $14 sequences, $15 actors,
-- $16 traces. Standings: $17 to $25, as in write_tiers. How far the recalculation $26 is with them, where nobody was
-- changed meanwhile: $27 members done, $28 moved before these, $29 after which member it goes on.
-- Answers who was still so, and whether the recalculation goes on (as in tell_recalculation; null: somebody was changed).
-- Rows are changed in the order in which batches lock them, so that nobody waits for each other.
WITH still AS (
    UPDATE accounts a SET last_sequence = seen.last_sequence, counters = coalesce(seen.counters, a.counters),
                          marks = a.marks | seen.marks
    FROM unnest($6::tid[], $7::xid[], $8::bigint[], $9::smallint[], $10::integer[], $11::json[], $12::smallint[])
        AS seen (place, left_by, member_id, wallet, last_sequence, counters, marks)
    WHERE a.ctid = seen.place AND a.xmin = seen.left_by AND a.member_id IS NOT DISTINCT FROM seen.member_id
        AND a.wallet IS NOT DISTINCT FROM seen.wallet
    RETURNING a.member_id
), told AS (
    INSERT INTO transactions (shard, member_id, sequence, kind, program_version, occurred_at, recorded_at, source,
                              key_id, actor, trace)
    SELECT $1::smallint, member_id, sequence, $3::smallint, $4::integer, $2::timestamptz, $2, $5::text, '', actor, trace
    FROM unnest($13::bigint[], $14::integer[], $15::text[], $16::json[]) AS new (member_id, sequence, actor, trace)
    WHERE member_id IN (SELECT member_id FROM still)
    RETURNING member_id, sequence
), stood AS (
    INSERT INTO member_tiers (shard, member_id, tier_set, tier, since, came_by, valid_until, look_at, standing)
    SELECT * FROM unnest($17::smallint[], $18::bigint[], $19::text[], $20::text[], $21::timestamptz[], $22::text[],
                         $23::timestamptz[], $24::timestamptz[], $25::json[])
        AS new (shard, member_id, tier_set, tier, since, came_by, valid_until, look_at, standing)
    WHERE member_id IN (SELECT member_id FROM still)
    ON CONFLICT (shard, member_id, tier_set) DO UPDATE SET tier = EXCLUDED.tier, since = EXCLUDED.since,
        came_by = EXCLUDED.came_by, valid_until = EXCLUDED.valid_until, look_at = EXCLUDED.look_at,
        standing = EXCLUDED.standing
), announced AS (
    INSERT INTO outbox (shard, recorded_at, member_ids, sequences)
    SELECT $1, $2, array_agg(member_id), array_agg(sequence) FROM told HAVING count(*) > 0
), noted AS (
    UPDATE tier_recalculations
    SET members_done = $27::bigint, members_moved = $28::bigint + (SELECT count(DISTINCT member_id) FROM told),
        next_shard = $1, after_member = $29::bigint, seen_at = now()
    WHERE id = $26::bigint AND status IN ('running', 'stopped')
        AND (SELECT count(*) FROM still) = cardinality($6::tid[])
    RETURNING status = 'running' AS goes_on
)
SELECT member_id, (SELECT goes_on FROM noted) AS goes_on FROM still

-- name: page_of_members
-- $1 shard, $2 the member after whom the page begins, $3 how many, $4 whether those count as well who have left
-- (closed, anonymised, merged). With all accounts of each.
SELECT a.member_id, a.wallet, a.available, a.pending, a.held, a.debt, a.last_sequence, a.next_change_at, a.counters,
       a.status, a.saved, a.ctid AS place, a.xmin AS left_by
FROM (SELECT member_id FROM members
      WHERE shard = $1 AND member_id > $2 AND (status IN ('active', 'frozen') OR $4) ORDER BY member_id LIMIT $3) m
JOIN accounts a ON a.shard = $1 AND a.member_id = m.member_id
ORDER BY a.member_id

-- name: page_of_tiers
-- $1 shard, $2 and $3 the members between whom the page lies (after the first, up to the last).
SELECT member_id, tier_set, standing FROM member_tiers WHERE shard = $1 AND member_id > $2 AND member_id <= $3

-- name: page_of_profiles
-- As for tiers.
SELECT member_id, registered_at, profile FROM members WHERE shard = $1 AND member_id > $2 AND member_id <= $3

-- name: version_in_force
-- $1 when.
SELECT max(version) FROM program_versions WHERE effective_at <= $1

-- name: count_members
-- Those who have not left.
SELECT count(*) FROM members WHERE status IN ('active', 'frozen')

-- name: changes_of_member
-- $1 shard, $2 member id, $3 kind of tier changes, $4 before which transaction, $5 how many. The newest first.
SELECT sequence, occurred_at, recorded_at, actor, reason, program_version, trace
FROM transactions
WHERE shard = $1 AND member_id = $2 AND kind = $3 AND sequence < $4
ORDER BY sequence DESC
LIMIT $5

-- name: add_recalculation
-- $1 by whom, $2 version of the program, $3 members there are.
INSERT INTO tier_recalculations (asked_by, program_version, members_total) VALUES ($1, $2, $3) RETURNING id

-- name: resume_recalculation
-- $1 its number. One that did not come to its end goes on.
UPDATE tier_recalculations SET status = 'running', seen_at = now(), error_code = NULL, error = NULL
WHERE id = $1 AND status IN ('stopped', 'failed')
RETURNING id

-- name: find_recalculation
-- $1 its number, $2 after how many seconds of silence its process is taken for gone.
SELECT *, status = 'running' AND seen_at < now() - make_interval(secs => $2::integer) AS is_lost
FROM tier_recalculations WHERE id = $1

-- name: list_recalculations
-- $1 after how many seconds of silence its process is taken for gone, $2 how many. The newest first.
SELECT *, status = 'running' AND seen_at < now() - make_interval(secs => $1::integer) AS is_lost
FROM tier_recalculations ORDER BY id DESC LIMIT $2

-- name: give_up_lost_recalculation
-- $1 after how many seconds of silence its process is taken for gone.
UPDATE tier_recalculations
SET status = 'failed', error_code = 'recalculation_lost', error = '执行它的进程已不在；请继续。 / The process that ran it is gone; resume it.'
WHERE status = 'running' AND seen_at < now() - make_interval(secs => $1::integer)

-- name: forget_old_recalculations
-- $1 how many are kept.
DELETE FROM tier_recalculations WHERE status <> 'running' AND id <= (SELECT max(id) FROM tier_recalculations) - $1

-- name: tell_recalculation
-- $1 its number, $2 members done, $3 moved, $4 next shard, $5 after which member. Whether it goes on; one that was
-- stopped has done this page as well. No row: it is over.
UPDATE tier_recalculations
SET members_done = $2, members_moved = $3, next_shard = $4, after_member = $5, seen_at = now()
WHERE id = $1 AND status IN ('running', 'stopped')
RETURNING status = 'running'

-- name: end_recalculation
-- $1 its number, $2 how it ended, $3 code and $4 text of an error. No row: it was over already.
UPDATE tier_recalculations SET status = $2, error_code = $3, error = $4, seen_at = now()
WHERE id = $1 AND status = 'running'
RETURNING id
