-- The statements of a batch. All are set-based: one call serves every command of the batch.
-- Plans are kept for a while (engine/lane.py). Of a table that was analysed while it was empty, a plan may read all of it;
-- where a table may begin to fill in a busy hour (caps, holds: none for months, then a campaign) it is joined as
-- LATERAL (... OFFSET 0): always by index, whatever the statistics say.

-- name: find_keys
-- $1 shards, $2 digests. The known ones of these keys.
SELECT k.digest, k.payload_digest, k.member_id, k.sequence
FROM unnest($1::smallint[], $2::bytea[]) AS wanted (shard, digest)
JOIN keys k ON k.shard = wanted.shard AND k.digest = wanted.digest

-- name: find_identities
-- $1 shards, $2 kinds, $3 values.
SELECT i.kind, i.value, i.member_id
FROM unnest($1::smallint[], $2::text[], $3::text[]) AS wanted (shard, kind, value)
JOIN identities i ON i.shard = wanted.shard AND i.kind = wanted.kind AND i.value = wanted.value

-- name: load_first_lots
-- $1 shards, $2 member ids, $3 wallets, $4 how many. The available lots of each wallet that are spent first, in order.
SELECT l.member_id, l.wallet, l.lot, l.ctid AS place, l.remaining, l.earned_at, l.effective_at, l.expires_at
FROM unnest($1::smallint[], $2::bigint[], $3::smallint[], $4::integer[]) AS wanted (shard, member_id, wallet, most)
CROSS JOIN LATERAL (
    SELECT ctid, * FROM lots
    WHERE shard = wanted.shard AND member_id = wanted.member_id AND wallet = wanted.wallet AND NOT pending
    ORDER BY expires_at, earned_at, lot
    LIMIT wanted.most
) l

-- name: load_all_lots
-- $1 shards, $2 member ids. Every open lot, in spending order.
SELECT l.member_id, l.wallet, l.pending, l.lot, l.ctid AS place, l.remaining, l.earned_at, l.effective_at, l.expires_at
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
JOIN lots l ON l.shard = wanted.shard AND l.member_id = wanted.member_id
ORDER BY l.member_id, l.wallet, l.expires_at, l.earned_at, l.lot

-- name: load_savings
-- $1 shards, $2 member ids. All savings, oldest first.
SELECT s.member_id, s.sequence, s.wallet, s.expires_at, s.pieces
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
JOIN savings s ON s.shard = wanted.shard AND s.member_id = wanted.member_id
ORDER BY s.member_id, s.sequence

-- name: load_earned
-- $1 shards, $2 member ids, $3 wallet, $4 an instant. What events since then earned in the wallet, less what was taken
-- back since then. Buckets: 10 issued, 13 reversed. Kinds: 1 earn, 8 reverse, 12 correct.
SELECT m.member_id,
       sum(CASE WHEN m.from_bucket IN (10, 13) THEN m.amount WHEN m.to_bucket = 13 THEN -m.amount ELSE 0 END)::bigint
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
JOIN transactions t ON t.shard = wanted.shard AND t.member_id = wanted.member_id AND t.occurred_at >= $4
    AND t.kind IN (1, 8, 12)
LEFT JOIN transactions origin ON origin.shard = t.shard AND origin.member_id = t.member_id
    AND origin.sequence = t.refers_to
JOIN movements m ON m.shard = t.shard AND m.member_id = t.member_id AND m.sequence = t.sequence AND m.wallet = $3
WHERE t.kind = 1 OR origin.kind = 1
GROUP BY m.member_id

-- name: load_holds
-- $1 shards, $2 member ids. Every open hold, oldest first.
SELECT h.member_id, h.sequence, h.wallet, h.expires_at, h.pieces
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
CROSS JOIN LATERAL (SELECT * FROM holds WHERE shard = wanted.shard AND member_id = wanted.member_id OFFSET 0) h
ORDER BY h.member_id, h.sequence

-- name: load_transactions
-- $1 shards, $2 member ids, $3 sequences.
SELECT t.member_id, t.sequence, t.kind, t.program_version, t.occurred_at, t.recorded_at, t.refers_to,
       t.counterpart_id, t.counterpart_sequence, t.source, t.facts, t.trace
FROM unnest($1::smallint[], $2::bigint[], $3::integer[]) AS wanted (shard, member_id, sequence)
JOIN transactions t ON t.shard = wanted.shard AND t.member_id = wanted.member_id AND t.sequence = wanted.sequence

-- name: load_moments
-- $1 shards, $2 member ids, $3 sequences. When these transactions happened, and by which version they were decided.
SELECT t.member_id, t.occurred_at, t.program_version
FROM unnest($1::smallint[], $2::bigint[], $3::integer[]) AS wanted (shard, member_id, sequence)
JOIN transactions t ON t.shard = wanted.shard AND t.member_id = wanted.member_id AND t.sequence = wanted.sequence

-- name: load_referring
-- $1 shards, $2 member ids, $3 sequences. What later reversed, captured or released these transactions.
SELECT t.member_id, t.refers_to, t.sequence, t.kind, t.trace
FROM unnest($1::smallint[], $2::bigint[], $3::integer[]) AS wanted (shard, member_id, sequence)
JOIN transactions t ON t.shard = wanted.shard AND t.member_id = wanted.member_id AND t.refers_to = wanted.sequence
ORDER BY t.member_id, t.sequence

-- name: load_movements
-- $1 shards, $2 member ids, $3 sequences. Each movement with the terms of its lot, from wherever that was opened.
SELECT m.member_id, m.sequence, m.wallet, m.from_bucket, m.to_bucket, m.lot, m.amount,
       opened.earned_at, opened.effective_at, opened.expires_at
FROM unnest($1::smallint[], $2::bigint[], $3::integer[]) AS wanted (shard, member_id, sequence)
JOIN movements m ON m.shard = wanted.shard AND m.member_id = wanted.member_id AND m.sequence = wanted.sequence
LEFT JOIN movements opened ON opened.shard = m.shard AND opened.member_id = m.member_id
    AND opened.sequence = (m.lot >> 20)::integer AND opened.position = (m.lot & 1048575)::integer
ORDER BY m.member_id, m.sequence, m.position

-- name: load_expired
-- $1 shards, $2 member ids, $3 sequences. Points of the lots opened there that have expired, less what a refund
-- took back from there. Bucket 12: expired; said as a number so that the index of such movements is found.
SELECT wanted.member_id, wanted.sequence, m.lot,
       sum(CASE WHEN m.to_bucket = 12 THEN m.amount ELSE -m.amount END)::bigint AS expired
FROM unnest($1::smallint[], $2::bigint[], $3::integer[]) AS wanted (shard, member_id, sequence)
JOIN movements m ON m.shard = wanted.shard AND m.member_id = wanted.member_id
    AND m.lot >= wanted.sequence::bigint << 20 AND m.lot < (wanted.sequence::bigint + 1) << 20
    AND (m.to_bucket = 12 OR m.from_bucket = 12)
GROUP BY wanted.member_id, wanted.sequence, m.lot

-- name: load_roots
-- $1 shards, $2 member ids, $3 sequences. For which transaction these opened lots, where they did for another: a correction
-- (12) or a refund (8) that gave more.
SELECT t.member_id, t.sequence, t.refers_to
FROM unnest($1::smallint[], $2::bigint[], $3::integer[]) AS wanted (shard, member_id, sequence)
JOIN transactions t ON t.shard = wanted.shard AND t.member_id = wanted.member_id AND t.sequence = wanted.sequence
WHERE t.kind IN (8, 12) AND t.refers_to IS NOT NULL

-- name: load_withheld
-- $1 shards, $2 member ids, $3 sequences, $4 wallets. Points of the lots opened there that cancelled spends gave up
-- ($5: the buckets they had been taken to, $6: the bucket of reversed points).
SELECT wanted.member_id, wanted.sequence, wanted.wallet, sum(m.amount)::bigint AS withheld
FROM unnest($1::smallint[], $2::bigint[], $3::integer[], $4::smallint[]) AS wanted (shard, member_id, sequence, wallet)
JOIN movements m ON m.shard = wanted.shard AND m.member_id = wanted.member_id AND m.sequence > wanted.sequence
    AND m.lot >= wanted.sequence::bigint << 20 AND m.lot < (wanted.sequence::bigint + 1) << 20
    AND m.wallet = wanted.wallet AND m.from_bucket = ANY ($5::smallint[]) AND m.to_bucket = $6
GROUP BY wanted.member_id, wanted.sequence, wanted.wallet

-- name: load_known
-- What is known of members beside their accounts, in one round trip. Each part is asked of its own members: profiles ($1
-- shards, $2 member ids), lists on which they are ($3, $4), standings in tier sets ($5, $6), uses of caps ($7, $8, $9 names).
-- $10: whether it matters when they registered; else whoever nothing was said of is left out.
SELECT 'profile' AS part, m.member_id, NULL AS name, NULL::bigint AS used, m.registered_at, m.profile AS content,
       NULL::tid AS place
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
CROSS JOIN LATERAL (SELECT * FROM members WHERE shard = wanted.shard AND member_id = wanted.member_id OFFSET 0) m
WHERE m.profile IS NOT NULL OR $10
UNION ALL
SELECT 'list', l.member_id, l.segment_id, NULL, NULL, NULL, NULL
FROM unnest($3::smallint[], $4::bigint[]) AS wanted (shard, member_id)
CROSS JOIN LATERAL (
    SELECT * FROM segment_members WHERE shard = wanted.shard AND member_id = wanted.member_id OFFSET 0
) l
UNION ALL
SELECT 'standing', t.member_id, t.tier_set, NULL, NULL, t.standing, NULL
FROM unnest($5::smallint[], $6::bigint[]) AS wanted (shard, member_id)
CROSS JOIN LATERAL (SELECT * FROM member_tiers WHERE shard = wanted.shard AND member_id = wanted.member_id OFFSET 0) t
UNION ALL
SELECT 'use', u.member_id, u.name, u.used, NULL, NULL, u.ctid
FROM unnest($7::smallint[], $8::bigint[], $9::text[]) AS wanted (shard, member_id, name)
CROSS JOIN LATERAL (
    SELECT ctid, * FROM usages
    WHERE shard = wanted.shard AND member_id = wanted.member_id AND name = wanted.name OFFSET 0
) u

-- name: load_counter_changes
-- $1 shards, $2 member ids, $3 until when. What the transactions that had happened by then did to the counters. Kinds: 1
-- earn, 8 reverse, 12 correct; the latter change the money of an order of their own day.
SELECT t.member_id,
       CASE WHEN t.kind <> 1 THEN 'money' WHEN starts_with(t.facts::text, '{"event":') THEN 'checkin' ELSE 'order' END AS what,
       t.occurred_at, coalesce(earned.occurred_at, t.occurred_at) AS at, coalesce((t.trace ->> 'spent')::bigint, 0) AS cents
FROM unnest($1::smallint[], $2::bigint[], $3::timestamptz[]) AS wanted (shard, member_id, until)
JOIN transactions t ON t.shard = wanted.shard AND t.member_id = wanted.member_id AND t.occurred_at < wanted.until
LEFT JOIN transactions earned
    ON earned.shard = t.shard AND earned.member_id = t.member_id AND earned.sequence = t.refers_to
WHERE t.kind IN (8, 12) OR t.kind = 1
    AND (NOT starts_with(t.facts::text, '{"event":') OR t.facts ->> 'event' = 'member.checked_in')
ORDER BY t.member_id, t.sequence

-- name: load_segments
-- $1 ids. Those that have a condition.
SELECT segment_id, condition FROM segments WHERE segment_id = ANY ($1::text[]) AND kind = 'condition'

-- name: load_all_usages
-- $1 shards, $2 member ids. Everything that members ever used of caps.
SELECT u.member_id, u.name, u.used, u.ctid AS place
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
CROSS JOIN LATERAL (SELECT ctid, * FROM usages WHERE shard = wanted.shard AND member_id = wanted.member_id OFFSET 0) u

-- name: find_coupons
-- $1 shards, $2 digests. Whose coupons these codes are; not those that nobody has yet.
SELECT c.digest, c.member_id, c.sequence
FROM unnest($1::smallint[], $2::bytea[]) AS wanted (shard, digest)
JOIN coupons c ON c.shard = wanted.shard AND c.digest = wanted.digest
WHERE c.member_id IS NOT NULL

-- name: load_redemptions
-- $1 shards, $2 member ids, $3 sequences. With their places, and what each has bound.
SELECT r.member_id, r.sequence, r.ctid AS place, r.content, h.wallet, h.expires_at, h.pieces
FROM unnest($1::smallint[], $2::bigint[], $3::integer[]) AS wanted (shard, member_id, sequence)
JOIN redemptions r ON r.shard = wanted.shard AND r.member_id = wanted.member_id AND r.sequence = wanted.sequence
LEFT JOIN LATERAL (
    SELECT * FROM holds WHERE shard = wanted.shard AND member_id = wanted.member_id AND sequence = wanted.sequence OFFSET 0
) h ON true

-- name: add_ons_of_orders
-- $1 orders, by the transactions that recorded them. What was taken with them. Says what its index says.
SELECT content ->> 'order' AS taken_with, member_id, sequence, content
FROM redemptions
WHERE content ->> 'order' IS NOT NULL AND content ->> 'order' = ANY ($1::text[])
ORDER BY member_id, sequence

-- name: find_waiting
-- $1 shards, $2 member ids, $3 the states in which redemptions wait. What waits of these members.
SELECT r.member_id, r.sequence
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
CROSS JOIN LATERAL (
    SELECT * FROM redemptions WHERE shard = wanted.shard AND member_id = wanted.member_id AND state = ANY ($3::text[])
    OFFSET 0
) r

-- name: load_pools
-- $1 shards, $2 rewards, $3 how many. The free codes of each pool that are given next. Its stock is locked.
SELECT p.reward, p.code
FROM unnest($1::smallint[], $2::text[], $3::integer[]) AS wanted (shard, reward, most)
CROSS JOIN LATERAL (
    SELECT reward, code FROM code_pool
    WHERE shard = wanted.shard AND reward = wanted.reward AND member_id IS NULL
    ORDER BY number
    LIMIT wanted.most
) p

-- name: write_redemptions
-- New redemptions: $1 shards, $2 member ids, $3 sequences, $4 last steps, $5 rewards, $6 states, $7 requested_at,
-- $8 until, $9 contents. Coupons: $10 shards, $11 digests, $12 codes, $13 member ids, $14 sequences.
-- Codes of pools that were taken, or (no member) given back: $15 shards, $16 rewards, $17 codes, $18 member ids,
-- $19 sequences. Stock: $20 shards, $21 rewards, $22 taken. Redemptions changed, each found by the place at which it was
-- loaded (as in write_batch): $23 places, $24 member ids, $25 sequences, $26 last steps, $27 states, $28 until, $29 contents.
WITH redeemed AS (
    INSERT INTO redemptions (shard, member_id, sequence, last_step, reward, state, requested_at, until, content)
    SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::integer[], $4::integer[], $5::text[], $6::text[],
                         $7::timestamptz[], $8::timestamptz[], $9::json[])
    RETURNING 1
), stepped AS (
    UPDATE redemptions r SET last_step = new.last_step, state = new.state, until = new.until, content = new.content
    FROM unnest($23::tid[], $24::bigint[], $25::integer[], $26::integer[], $27::text[], $28::timestamptz[], $29::json[])
        AS new (place, member_id, sequence, last_step, state, until, content)
    WHERE r.ctid = new.place AND r.member_id IS NOT DISTINCT FROM new.member_id
        AND r.sequence IS NOT DISTINCT FROM new.sequence
    RETURNING 1
), issued AS (
    INSERT INTO coupons (shard, digest, code, member_id, sequence)
    SELECT * FROM unnest($10::smallint[], $11::bytea[], $12::text[], $13::bigint[], $14::integer[])
        AS new (shard, digest, code, member_id, sequence)
    ORDER BY new.shard, new.digest
    ON CONFLICT (shard, digest) DO UPDATE SET member_id = EXCLUDED.member_id, sequence = EXCLUDED.sequence
        WHERE coupons.member_id IS NULL AND coupons.code = EXCLUDED.code
    RETURNING 1
), pooled AS (
    UPDATE code_pool p SET member_id = new.member_id, sequence = new.sequence
    FROM unnest($15::smallint[], $16::text[], $17::text[], $18::bigint[], $19::integer[])
        AS new (shard, reward, code, member_id, sequence)
    WHERE p.shard = new.shard AND p.reward = new.reward AND p.code = new.code
    RETURNING 1
), stocked AS (
    UPDATE stocks s SET taken = new.taken
    FROM unnest($20::smallint[], $21::text[], $22::bigint[]) AS new (shard, reward, taken)
    WHERE s.shard = new.shard AND s.reward = new.reward
    RETURNING 1
)
SELECT (SELECT count(*) FROM redeemed) + (SELECT count(*) FROM stepped) + (SELECT count(*) FROM issued)
     + (SELECT count(*) FROM pooled) + (SELECT count(*) FROM stocked)

-- name: write_draws
-- Numbers that were drawn: $1 shards, $2 draws, $3 rounds, $4 numbers, $5 member shards, $6 member ids, $7 sequences.
-- Rounds: $8 shards, $9 draws, $10 rounds, $11 how often they were drawn.
WITH numbered AS (
    INSERT INTO drawn_numbers (shard, draw, round, number, member_shard, member_id, sequence)
    SELECT * FROM unnest($1::smallint[], $2::text[], $3::integer[], $4::integer[], $5::smallint[], $6::bigint[], $7::integer[])
    RETURNING 1
), counted AS (
    UPDATE draw_rounds r SET drawn = new.drawn
    FROM unnest($8::smallint[], $9::text[], $10::integer[], $11::integer[]) AS new (shard, draw, round, drawn)
    WHERE r.shard = new.shard AND r.draw = new.draw AND r.round = new.round AND r.revealed_at IS NULL
    RETURNING 1
)
SELECT (SELECT count(*) FROM numbered) + (SELECT count(*) FROM counted)

-- name: begin_shared_usages
-- $1 shards, $2 names. In the order in which they are locked.
INSERT INTO shared_usages (shard, name, used)
SELECT shard, name, 0 FROM unnest($1::smallint[], $2::text[]) AS new (shard, name) ORDER BY shard, name
ON CONFLICT DO NOTHING

-- name: write_profiles
-- $1 shards, $2 member ids, $3 profiles.
UPDATE members m SET profile = new.profile
FROM unnest($1::smallint[], $2::bigint[], $3::json[]) AS new (shard, member_id, profile)
WHERE m.shard = new.shard AND m.member_id = new.member_id

-- name: write_registrations
-- $1 shards, $2 member ids, $3 registered_at, $4 recorded_at;
-- identities: $5 shards, $6 kinds, $7 values, $8 member ids, $9 member shards.
WITH registered AS (
    INSERT INTO members (shard, member_id, registered_at, recorded_at)
    SELECT shard, member_id, registered_at, $4 FROM unnest($1::smallint[], $2::bigint[], $3::timestamptz[])
        AS new (shard, member_id, registered_at)
)
INSERT INTO identities (shard, kind, value, member_id, member_shard)
SELECT shard, kind, value, member_id, member_shard
FROM unnest($5::smallint[], $6::text[], $7::text[], $8::bigint[], $9::smallint[])
    AS new (shard, kind, value, member_id, member_shard)
ORDER BY shard, kind, value

-- name: write_new_accounts
-- $1 shards, $2 member ids, $3 wallets, $4 last sequences, $5 available, $6 pending, $7 held, $8 debt, $9 next change,
-- $10 counters, $11 uses, $12 marks (null: none), $13 saved (null: nothing), $14 status.
INSERT INTO accounts (shard, member_id, wallet, last_sequence, available, pending, held, debt, next_change_at, counters,
                      uses, marks, status, saved)
SELECT shard, member_id, wallet, last_sequence, available, pending, held, debt, next_change_at, counters, uses,
       coalesce(marks, 0), status, coalesce(saved, 0)
FROM unnest($1::smallint[], $2::bigint[], $3::smallint[], $4::integer[], $5::bigint[], $6::bigint[],
            $7::bigint[], $8::bigint[], $9::timestamptz[], $10::json[], $11::json[], $12::smallint[], $13::bigint[],
            $14::smallint[])
    AS new (shard, member_id, wallet, last_sequence, available, pending, held, debt, next_change_at, counters, uses,
            marks, saved, status)

-- name: write_savings
-- Savings that are gone: $1 shards, $2 member ids, $3 sequences. New or changed: $4 shards, $5 member ids,
-- $6 sequences, $7 wallets, $8 remaining, $9 expires_at, $10 pieces.
WITH gone AS (
    DELETE FROM savings s USING unnest($1::smallint[], $2::bigint[], $3::integer[]) AS gone (shard, member_id, sequence)
    WHERE s.shard = gone.shard AND s.member_id = gone.member_id AND s.sequence = gone.sequence
    RETURNING 1
), saved AS (
    INSERT INTO savings (shard, member_id, sequence, wallet, remaining, expires_at, pieces)
    SELECT * FROM unnest($4::smallint[], $5::bigint[], $6::integer[], $7::smallint[], $8::bigint[], $9::timestamptz[],
                         $10::json[])
    ON CONFLICT (shard, member_id, sequence) DO UPDATE SET remaining = EXCLUDED.remaining, pieces = EXCLUDED.pieces
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM saved)

-- name: write_holds
-- Closed holds: $1 shards, $2 member ids, $3 sequences. Open holds, new or changed: $4 shards, $5 member ids,
-- $6 sequences, $7 wallets, $8 remaining, $9 expires_at, $10 pieces.
WITH closed AS (
    DELETE FROM holds h USING unnest($1::smallint[], $2::bigint[], $3::integer[]) AS gone (shard, member_id, sequence)
    WHERE h.shard = gone.shard AND h.member_id = gone.member_id AND h.sequence = gone.sequence
    RETURNING 1
), open AS (
    INSERT INTO holds (shard, member_id, sequence, wallet, remaining, expires_at, pieces)
    SELECT * FROM unnest($4::smallint[], $5::bigint[], $6::integer[], $7::smallint[], $8::bigint[], $9::timestamptz[],
                         $10::json[])
    ON CONFLICT (shard, member_id, sequence) DO UPDATE SET remaining = EXCLUDED.remaining, pieces = EXCLUDED.pieces
    RETURNING 1
)
SELECT (SELECT count(*) FROM closed) + (SELECT count(*) FROM open)

-- name: write_reopened_lots
-- Lots of earlier transactions that matured or got points back.
-- $1 shards, $2 member ids, $3 wallets, $4 pending, $5 expires_at, $6 earned_at, $7 lots, $8 effective_at, $9 remaining.
INSERT INTO lots (shard, member_id, wallet, pending, expires_at, earned_at, lot, effective_at, remaining)
SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::smallint[], $4::boolean[], $5::timestamptz[],
                     $6::timestamptz[], $7::bigint[], $8::timestamptz[], $9::bigint[])

-- name: write_keys
-- Keys of what is no transaction of the batch: registrations (sequence 0), requests (their number, negative), and what
-- had been done before.
-- $1 shards, $2 digests, $3 payload digests, $4 member ids, $5 sequences, $6 whether they repeat what had been done.
INSERT INTO keys (shard, digest, payload_digest, member_id, sequence, repeats)
SELECT * FROM unnest($1::smallint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::integer[], $6::boolean[])
    AS new (shard, digest, payload_digest, member_id, sequence, repeats)
ORDER BY new.shard, new.digest

-- name: write_batch
-- Everything else, in one round trip. $1 recorded_at, $2 the number of shards.
-- Transactions: $3 to $21; occurred_at is null where it equals recorded_at; each may come with up to two keys.
-- Movements: $22 to $34; those that open a lot say with `remaining` what is left of it at the end of the batch, and
-- leave earned_at null where it equals recorded_at, and effective_at where it equals earned_at. Then lots changed, lots
-- gone, accounts changed, uses of caps by members changed ($55 places, $56 member ids, $57 names, $58 used): each found
-- by the place at which it was loaded, and changed only if that still holds the row that was meant. (Which is not asked
-- by `=`: of a table that is empty as this is planned, an index would be searched for each row without its first column.) Last uses that there
-- were none of by the member ($59 shards, $60 member ids, $61 names, $62 used), and those by all together ($63 shards,
-- $64 names, $65 used).
WITH came_transactions AS MATERIALIZED (
    SELECT * FROM unnest(
        $3::smallint[], $4::bigint[], $5::integer[], $6::smallint[], $7::integer[], $8::integer[], $9::bigint[],
        $10::integer[], $11::timestamptz[], $12::text[], $13::text[], $14::text[], $15::text[], $16::json[],
        $17::json[], $18::bytea[], $19::bytea[], $20::bytea[], $21::bytea[])
        AS new (shard, member_id, sequence, kind, version, refers_to, counterpart_id, counterpart_sequence, occurred_at,
                source, key_id, actor, reason, facts, trace, digest, payload, name_digest, name_payload)
), new_transactions AS (
    INSERT INTO transactions (shard, member_id, sequence, kind, program_version, refers_to, counterpart_id,
                              counterpart_sequence, occurred_at, recorded_at, source, key_id, actor, reason, facts, trace)
    SELECT shard, member_id, sequence, kind, version, refers_to, counterpart_id, counterpart_sequence,
           coalesce(occurred_at, $1), $1, source, key_id, actor, reason, facts, trace
    FROM came_transactions
), new_keys AS (
    INSERT INTO keys (shard, digest, payload_digest, member_id, sequence)
    SELECT (get_byte(digest, 0) * 256 + get_byte(digest, 1)) % $2::integer, digest, payload, member_id, sequence
    FROM (
        SELECT digest, payload, member_id, sequence FROM came_transactions WHERE digest IS NOT NULL
        UNION ALL
        SELECT name_digest, name_payload, member_id, sequence FROM came_transactions WHERE name_digest IS NOT NULL
    ) AS claimed (digest, payload, member_id, sequence)
    ORDER BY digest
), came_movements AS MATERIALIZED (
    SELECT * FROM unnest(
        $22::smallint[], $23::bigint[], $24::integer[], $25::integer[], $26::smallint[], $27::smallint[],
        $28::smallint[], $29::bigint[], $30::bigint[], $31::timestamptz[], $32::timestamptz[], $33::timestamptz[],
        $34::bigint[])
        AS new (shard, member_id, sequence, position, wallet, from_bucket, to_bucket, lot, amount, earned_at,
                effective_at, expires_at, remaining)
), new_movements AS (
    INSERT INTO movements (shard, member_id, sequence, position, wallet, from_bucket, to_bucket, lot, amount,
                           earned_at, effective_at, expires_at)
    SELECT shard, member_id, sequence, position, wallet, from_bucket, to_bucket, lot, amount,
           CASE WHEN remaining IS NOT NULL THEN coalesce(earned_at, $1) END,
           CASE WHEN remaining IS NOT NULL THEN coalesce(effective_at, earned_at, $1) END, expires_at
    FROM came_movements
), new_lots AS (
    INSERT INTO lots (shard, member_id, wallet, pending, expires_at, earned_at, lot, effective_at, remaining)
    SELECT shard, member_id, wallet, to_bucket = 1, expires_at, coalesce(earned_at, $1), lot,
           coalesce(effective_at, earned_at, $1), remaining
    FROM came_movements WHERE remaining > 0
), changed_lots AS (
    UPDATE lots l SET remaining = new.remaining
    FROM unnest($35::tid[], $36::bigint[], $37::bigint[], $38::bigint[]) AS new (place, member_id, lot, remaining)
    WHERE l.ctid = new.place AND l.member_id IS NOT DISTINCT FROM new.member_id AND l.lot IS NOT DISTINCT FROM new.lot
    RETURNING 1
), gone_lots AS (
    DELETE FROM lots l
    USING unnest($39::tid[], $40::bigint[], $41::bigint[]) AS gone (place, member_id, lot)
    WHERE l.ctid = gone.place AND l.member_id IS NOT DISTINCT FROM gone.member_id AND l.lot IS NOT DISTINCT FROM gone.lot
    RETURNING 1
), changed_accounts AS (
    UPDATE accounts a SET last_sequence = new.last_sequence, available = new.available, pending = new.pending,
                          held = new.held, debt = new.debt,
                          next_change_at = coalesce(new.next_change_at, a.next_change_at),
                          counters = coalesce(new.counters, a.counters), uses = coalesce(new.uses, a.uses),
                          marks = coalesce(new.marks, a.marks), saved = coalesce(new.saved, a.saved)
    FROM unnest($42::tid[], $43::bigint[], $44::smallint[], $45::integer[], $46::bigint[], $47::bigint[],
                $48::bigint[], $49::bigint[], $50::timestamptz[], $51::json[], $52::json[], $53::smallint[], $54::bigint[])
        AS new (place, member_id, wallet, last_sequence, available, pending, held, debt, next_change_at, counters, uses,
                marks, saved)
    WHERE a.ctid = new.place AND a.member_id IS NOT DISTINCT FROM new.member_id
        AND a.wallet IS NOT DISTINCT FROM new.wallet
    RETURNING 1
), changed_usages AS (
    UPDATE usages u SET used = new.used
    FROM unnest($55::tid[], $56::bigint[], $57::text[], $58::bigint[]) AS new (place, member_id, name, used)
    WHERE u.ctid = new.place AND u.member_id IS NOT DISTINCT FROM new.member_id AND u.name IS NOT DISTINCT FROM new.name
    RETURNING 1
), new_usages AS (
    INSERT INTO usages (shard, member_id, name, used)
    SELECT * FROM unnest($59::smallint[], $60::bigint[], $61::text[], $62::bigint[])
), common_usages AS (
    UPDATE shared_usages u SET used = new.used
    FROM unnest($63::smallint[], $64::text[], $65::bigint[]) AS new (shard, name, used)
    WHERE u.shard = new.shard AND u.name = new.name
), announced AS (
    INSERT INTO outbox (shard, recorded_at, member_ids, sequences)
    SELECT ($3::smallint[])[1], $1, $4::bigint[], $5::integer[] WHERE cardinality($4::bigint[]) > 0
)
SELECT (SELECT count(*) FROM changed_lots) + (SELECT count(*) FROM gone_lots)
    + (SELECT count(*) FROM changed_accounts) + (SELECT count(*) FROM changed_usages)
