-- What waits for a second person. Rows are added and changed under the lock of the member's accounts.

-- name: members_of_approvals
-- $1 numbers.
SELECT approval_id, member_id FROM approvals WHERE approval_id = ANY ($1::integer[])

-- name: load_approvals
-- $1 shards, $2 numbers.
SELECT a.approval_id, a.member_id, a.kind, a.command::text AS command, a.reason, a.asked_by, a.asked_at, a.lapses_at,
       a.state, a.decided_by, a.decided_at, a.decision_reason, a.sequence,
       (SELECT name FROM api_keys k WHERE a.asked_by = 'key:' || k.id) AS asked_by_name
FROM unnest($1::smallint[], $2::integer[]) AS wanted (shard, approval_id)
JOIN approvals a ON a.shard = wanted.shard AND a.approval_id = wanted.approval_id

-- name: names_of_actors
-- $1 actors.
SELECT 'key:' || id, name FROM api_keys WHERE 'key:' || id = ANY ($1::text[])

-- name: add_approvals
-- $1 shards, $2 numbers, $3 member ids, $4 kinds, $5 commands, $6 reasons, $7 asked by, $8 asked at, $9 lapse at.
INSERT INTO approvals (shard, approval_id, member_id, kind, command, reason, asked_by, asked_at, lapses_at)
SELECT * FROM unnest($1::smallint[], $2::integer[], $3::bigint[], $4::text[], $5::json[], $6::text[], $7::text[],
                     $8::timestamptz[], $9::timestamptz[])

-- name: decide_approval
-- $1 shard, $2 number, $3 state, $4 decided by, $5 decided at, $6 reason, $7 sequence.
UPDATE approvals SET state = $3, decided_by = $4, decided_at = $5, decision_reason = $6, sequence = $7
WHERE shard = $1 AND approval_id = $2 AND state = 'waiting'
RETURNING approval_id

-- name: approvals_page
-- $1 state or null, $2 only numbers below this, $3 how many, $4 now. Newest first. A request that waits and has lapsed
-- counts as lapsed.
SELECT a.approval_id, a.member_id, a.kind, a.command::text AS command, a.reason, a.asked_by, a.asked_at, a.lapses_at,
       a.state, a.decided_by, a.decided_at, a.decision_reason, a.sequence,
       (SELECT name FROM api_keys k WHERE a.asked_by = 'key:' || k.id) AS asked_by_name
FROM approvals a
WHERE a.approval_id < $2 AND ($1::text IS NULL OR $1 = CASE WHEN a.state = 'waiting' AND a.lapses_at <= $4
                                                            THEN 'lapsed' ELSE a.state END)
ORDER BY a.approval_id DESC
LIMIT $3

-- name: approval
-- $1 number.
SELECT a.approval_id, a.member_id, a.kind, a.command::text AS command, a.reason, a.asked_by, a.asked_at, a.lapses_at,
       a.state, a.decided_by, a.decided_at, a.decision_reason, a.sequence,
       (SELECT name FROM api_keys k WHERE a.asked_by = 'key:' || k.id) AS asked_by_name
FROM approvals a WHERE a.approval_id = $1
