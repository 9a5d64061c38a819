-- What the outside asks for. Nothing here takes a lock.

-- name: add_key
-- $1 id, $2 name, $3 digest of the secret, $4 now, $5 roles.
INSERT INTO api_keys (id, name, secret_digest, created_at, roles) VALUES ($1, $2, $3, $4, $5)

-- name: revoke_key
-- $1 id, $2 now.
UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING id

-- name: list_keys
SELECT id, name, created_at, revoked_at, roles FROM api_keys ORDER BY created_at, id

-- name: valid_keys
SELECT id, secret_digest, roles FROM api_keys WHERE revoked_at IS NULL

-- name: catalog
-- $1 an instant. The few things that every answer needs, as they are then.
SELECT (SELECT shards FROM installation) AS shards, (SELECT quote_secret FROM installation) AS quote_secret, (SELECT max(version) FROM program_versions WHERE effective_at <= $1) AS version,
       (SELECT coalesce(json_object_agg(number, id), '{}')::text FROM wallets) AS wallets

-- name: program
-- $1 version.
SELECT version, applied_at, applied_by, content::text AS content FROM program_versions WHERE version = $1

-- name: version_at
-- $1 an instant. The version that was current then; before the first: the first.
SELECT coalesce((SELECT max(version) FROM program_versions WHERE effective_at <= $1),
                (SELECT min(version) FROM program_versions))

-- name: member
-- $1 shard, $2 member id.
SELECT member_id, status, registered_at, recorded_at, merged_into, household_id, profile::text AS profile,
       person::text AS person, now() AS asked_at
FROM members WHERE shard = $1 AND member_id = $2

-- name: identities
-- $1 member id.
SELECT kind, value, added_at, verified_at, verified_by FROM identities WHERE member_id = $1 ORDER BY kind, value

-- name: last_activity
-- $1 shard, $2 member id. When the last transaction was recorded that time did not make by itself.
SELECT recorded_at FROM transactions WHERE shard = $1 AND member_id = $2 AND source <> 'jifen:time'
ORDER BY sequence DESC LIMIT 1

-- name: member_changes
-- $1 shard, $2 member id.
SELECT kind, status, recorded_at, actor, reason, details::text AS details
FROM member_changes WHERE shard = $1 AND member_id = $2 ORDER BY number DESC LIMIT 100

-- name: accounts
-- $1 shard, $2 member id.
SELECT wallet, available, pending, held, debt, last_sequence, next_change_at, saved
FROM accounts WHERE shard = $1 AND member_id = $2 ORDER BY wallet

-- name: last_sequence_at
-- $1 shard, $2 member id, $3 an instant. The last transaction that was recorded by then; 0: none.
SELECT coalesce(max(sequence), 0) FROM transactions WHERE shard = $1 AND member_id = $2 AND recorded_at <= $3

-- name: lots_at
-- $1 shard, $2 member id, $3 a sequence. What was left in each lot after that transaction, with its terms.
-- Buckets: 1 pending, 2 available. Numbers in the order of jifen.core.ledger.values.Bucket.
WITH sums AS (
    SELECT wallet, lot,
           sum(CASE WHEN to_bucket = 2 THEN amount WHEN from_bucket = 2 THEN -amount ELSE 0 END)::bigint AS available,
           sum(CASE WHEN to_bucket = 1 THEN amount WHEN from_bucket = 1 THEN -amount ELSE 0 END)::bigint AS pending
    FROM movements
    WHERE shard = $1 AND member_id = $2 AND sequence <= $3 AND lot > 0
    GROUP BY wallet, lot
)
SELECT s.wallet, s.lot, s.available, s.pending, m.earned_at, m.effective_at, m.expires_at
FROM sums s
JOIN movements m ON m.shard = $1 AND m.member_id = $2 AND m.sequence = (s.lot >> 20)::integer
    AND m.position = (s.lot & 1048575)::integer
WHERE s.available > 0 OR s.pending > 0
ORDER BY s.wallet, m.expires_at, m.earned_at, s.lot

-- name: holds_at
-- $1 shard, $2 member id, $3 a sequence. What was left of each hold, lot by lot, after that transaction.
-- Bucket 3: held. Kinds 3 and 13: the transaction that places the hold; others refer to it.
SELECT hold.sequence, hold.wallet, placed.trace::text AS trace, hold.lot, hold.amount, m.earned_at, m.effective_at,
       m.expires_at
FROM (
    SELECT CASE WHEN t.kind IN (3, 13) THEN t.sequence ELSE t.refers_to END AS sequence, moved.wallet, moved.lot,
           sum(CASE WHEN moved.to_bucket = 3 THEN moved.amount ELSE -moved.amount END)::bigint AS amount
    FROM movements moved
    JOIN transactions t ON t.shard = moved.shard AND t.member_id = moved.member_id AND t.sequence = moved.sequence
    WHERE moved.shard = $1 AND moved.member_id = $2 AND moved.sequence <= $3 AND 3 IN (moved.from_bucket, moved.to_bucket)
    GROUP BY 1, 2, 3
) hold
JOIN transactions placed ON placed.shard = $1 AND placed.member_id = $2 AND placed.sequence = hold.sequence
JOIN movements m ON m.shard = $1 AND m.member_id = $2 AND m.sequence = (hold.lot >> 20)::integer
    AND m.position = (hold.lot & 1048575)::integer
WHERE hold.amount > 0
ORDER BY hold.sequence, m.expires_at, m.earned_at, hold.lot

-- name: savings_at
-- $1 shard, $2 member id, $3 a sequence. What went into savings and out of them up to that transaction, in order.
-- Bucket 4: saved.
SELECT t.sequence, moved.wallet, moved.lot, moved.to_bucket, moved.amount, t.trace::text AS trace, m.earned_at,
       m.effective_at, m.expires_at
FROM movements moved
JOIN transactions t ON t.shard = moved.shard AND t.member_id = moved.member_id AND t.sequence = moved.sequence
JOIN movements m ON m.shard = $1 AND m.member_id = $2 AND m.sequence = (moved.lot >> 20)::integer
    AND m.position = (moved.lot & 1048575)::integer
WHERE moved.shard = $1 AND moved.member_id = $2 AND moved.sequence <= $3 AND 4 IN (moved.from_bucket, moved.to_bucket)
ORDER BY moved.sequence, moved.position

-- name: debts_at
-- $1 shard, $2 member id, $3 a sequence. What was owed in each wallet after that transaction. Bucket 5: debt.
SELECT wallet, sum(CASE WHEN from_bucket = 5 THEN amount ELSE -amount END)::bigint AS debt
FROM movements
WHERE shard = $1 AND member_id = $2 AND sequence <= $3 AND 5 IN (from_bucket, to_bucket)
GROUP BY wallet

-- name: page
-- $1 shard, $2 member id, $3 only before this sequence, $4 kind or null, $5 how many. Newest first.
SELECT sequence, kind, program_version, refers_to, counterpart_id, counterpart_sequence, occurred_at, recorded_at,
       source, key_id, actor, reason, trace::text AS trace
FROM transactions
WHERE shard = $1 AND member_id = $2 AND sequence < $3 AND ($4::smallint IS NULL OR kind = $4)
ORDER BY sequence DESC
LIMIT $5

-- name: transaction
-- $1 shard, $2 member id, $3 sequence.
SELECT sequence, kind, program_version, refers_to, counterpart_id, counterpart_sequence, occurred_at, recorded_at,
       source, key_id, actor, reason, trace::text AS trace, facts::text AS facts
FROM transactions WHERE shard = $1 AND member_id = $2 AND sequence = $3

-- name: changes
-- $1 shard, $2 member id, $3 sequences. What each transaction changed of what the member has, by wallet. Buckets below 10
-- are the member's: what moves between two of them changes nothing.
SELECT sequence, wallet,
       sum(amount * ((to_bucket < 10)::integer - (from_bucket < 10)::integer))::bigint AS change
FROM movements
WHERE shard = $1 AND member_id = $2 AND sequence = ANY($3::integer[])
GROUP BY sequence, wallet
ORDER BY sequence, wallet

-- name: referring
-- $1 shard, $2 member id, $3 sequence. What later reversed, refunded, captured or released it.
SELECT sequence, kind, trace::text AS trace
FROM transactions WHERE shard = $1 AND member_id = $2 AND refers_to = $3 ORDER BY sequence

-- name: movements
-- $1 shard, $2 member id, $3 sequence. Each with the terms of its lot, from wherever that was opened.
SELECT m.position, m.wallet, m.from_bucket, m.to_bucket, m.lot, m.amount,
       opened.earned_at, opened.effective_at, opened.expires_at
FROM movements m
LEFT JOIN movements opened ON opened.shard = m.shard AND opened.member_id = m.member_id
    AND opened.sequence = (m.lot >> 20)::integer AND opened.position = (m.lot & 1048575)::integer
WHERE m.shard = $1 AND m.member_id = $2 AND m.sequence = $3
ORDER BY m.position
