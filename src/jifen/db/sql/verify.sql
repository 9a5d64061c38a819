-- What `jifen verify` asks. Every block gives findings as (kind, member_id, detail); no row: nothing is wrong.
--
-- Blocks named `shards_...` look at the shards $1 to $2; the others at everything. None relies on what the engine
-- believes: balances, lots and holds are worked out anew from the movements, step by step.
-- The dear ones look twice. The quick look goes over everything and puts aside what is evidently sound; what is left
-- are suspects, not findings. The close look replays the suspects alone and says what is wrong, if anything is.
-- Numbers are those of jifen.core.ledger.values. Buckets: 1 pending, 2 available, 3 held, 5 debt, from 10 on the
-- program's side (15 transit). Kinds: 1 earn, 3 hold, 8 reverse, 10 transfer.

-- name: shards_balances
-- Replays every account: no bucket below zero at any step, the balances in every trace, and the account rows.
WITH replayed AS (
    SELECT shard, member_id, wallet, sequence, lead(sequence) OVER steps AS next_sequence,
           total(CASE 2 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) OVER steps AS available,
           total(CASE 1 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) OVER steps AS pending,
           total(CASE 3 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) OVER steps AS held,
           total(CASE 5 WHEN to_bucket THEN -amount WHEN from_bucket THEN amount ELSE 0 END) OVER steps AS debt
    FROM movements WHERE shard BETWEEN $1 AND $2
    -- The member first: it tells most rows apart at the first comparison.
    WINDOW steps AS (PARTITION BY member_id, shard, wallet ORDER BY sequence, position ROWS UNBOUNDED PRECEDING)
), prints AS (
    -- Who says the same of the same transaction leaves the same print, and two equal prints cancel out: those of the
    -- replay and of the traces, and those of the last step and of the account. Traces begin {"balances":[[1,250,0,0,0]],
    -- so that no JSON need be read; a wallet whose number has two digits is a suspect each time.
    SELECT shard, member_id, wallet,
           hashtextextended('{"balances":[[' || wallet || ',' || available || CASE
               WHEN pending = 0 AND held = 0 AND debt = 0 THEN ',0,0,0'
               ELSE ',' || pending || ',' || held || ',' || debt END, sequence) AS print,
           true AS of_trace, next_sequence IS NULL AS of_account,
           available < 0 OR pending < 0 OR held < 0 OR debt < 0 OR available > 0 AND debt > 0 AS is_wrong
    FROM replayed
    WHERE next_sequence IS DISTINCT FROM sequence OR available < 0 OR pending < 0 OR held < 0 OR debt < 0
    UNION ALL
    SELECT shard, member_id, (ascii(substr(trace::text, 15, 1)) - 48)::smallint,
           hashtextextended(split_part(trace::text, ']', 1), sequence), true, false, false
    FROM transactions
    WHERE shard BETWEEN $1 AND $2 AND ((SELECT count(*) FROM wallets) <= 1 OR split_part(trace::text, ']', 2) = '')
    UNION ALL
    SELECT t.shard, t.member_id, (said ->> 0)::smallint,
           hashtextextended('{"balances":[' || rtrim(said::text, ']'), t.sequence), true, false, false
    FROM transactions t, json_array_elements(t.trace -> 'balances') AS said
    WHERE t.shard BETWEEN $1 AND $2 AND (SELECT count(*) FROM wallets) > 1 AND split_part(t.trace::text, ']', 2) <> ''
    UNION ALL
    SELECT shard, member_id, wallet,
           hashtextextended(concat('{"balances":[[', wallet, ',', available, ',', pending, ',', held, ',', debt), last_sequence),
           false, true, false
    FROM accounts
    -- An account that nothing ever touched is empty.
    WHERE shard BETWEEN $1 AND $2
        AND NOT (last_sequence = 0 AND available = 0 AND pending = 0 AND held = 0 AND debt = 0)
), suspects AS (
    SELECT shard, member_id, wallet FROM prints
    GROUP BY member_id, wallet, shard
    -- Compared with a number as the planner then expects few, and hashes the suspects rather than the ledger.
    HAVING CASE WHEN bit_xor(print) FILTER (WHERE of_trace) = 0 AND bit_xor(print) FILTER (WHERE of_account) = 0
                    AND NOT bool_or(is_wrong) THEN 0 ELSE 1 END = 1
), told AS (
    SELECT t.shard, t.member_id, t.sequence, t.trace
    FROM (SELECT DISTINCT shard, member_id FROM suspects) s
    JOIN transactions t ON t.shard = s.shard AND t.member_id = s.member_id
    WHERE t.shard BETWEEN $1 AND $2
), moved AS (
    SELECT m.shard, m.member_id, m.wallet, m.sequence, m.position,
           CASE 2 WHEN m.to_bucket THEN m.amount WHEN m.from_bucket THEN -m.amount ELSE 0 END AS available,
           CASE 1 WHEN m.to_bucket THEN m.amount WHEN m.from_bucket THEN -m.amount ELSE 0 END AS pending,
           CASE 3 WHEN m.to_bucket THEN m.amount WHEN m.from_bucket THEN -m.amount ELSE 0 END AS held,
           CASE 5 WHEN m.to_bucket THEN -m.amount WHEN m.from_bucket THEN m.amount ELSE 0 END AS debt
    FROM suspects s
    JOIN movements m ON m.shard = s.shard AND m.member_id = s.member_id AND m.wallet = s.wallet
    WHERE m.shard BETWEEN $1 AND $2
    UNION ALL
    -- A wallet that a transaction names has a step of 0 at its end, whether or not anything moved there.
    SELECT s.shard, s.member_id, s.wallet, t.sequence, 2147483647, 0, 0, 0, 0
    FROM suspects s
    JOIN told t ON t.shard = s.shard AND t.member_id = s.member_id
    CROSS JOIN LATERAL json_array_elements(t.trace -> 'balances') AS said
    WHERE (said ->> 0)::smallint = s.wallet
), steps AS (
    SELECT shard, member_id, wallet, sequence, position,
           total(available) OVER steps AS available, total(pending) OVER steps AS pending,
           total(held) OVER steps AS held, total(debt) OVER steps AS debt,
           lead(sequence) OVER steps AS next_sequence
    FROM moved
    WINDOW steps AS (PARTITION BY shard, member_id, wallet ORDER BY sequence, position ROWS UNBOUNDED PRECEDING)
), compared AS (
    SELECT coalesce(s.member_id, a.member_id) AS member_id, coalesce(s.wallet, a.wallet) AS wallet, s.sequence, s.position,
           s.available, s.pending, s.held, s.debt, s.next_sequence IS DISTINCT FROM s.sequence AS ends_transaction,
           s.sequence IS NOT NULL AND s.next_sequence IS NULL AS is_last,
           t.trace, a.last_sequence, a.available AS account_available, a.pending AS account_pending,
           a.held AS account_held, a.debt AS account_debt
    FROM steps s
    LEFT JOIN told t ON t.shard = s.shard AND t.member_id = s.member_id AND t.sequence = s.sequence
    FULL JOIN (
        SELECT accounts.* FROM suspects JOIN accounts USING (shard, member_id, wallet) WHERE accounts.shard BETWEEN $1 AND $2
    ) a
        ON a.shard = s.shard AND a.member_id = s.member_id AND a.wallet = s.wallet AND s.next_sequence IS NULL
)
SELECT found.kind, s.member_id, found.detail
FROM compared s
CROSS JOIN LATERAL (
    SELECT said FROM json_array_elements(s.trace -> 'balances') AS said WHERE (said ->> 0)::smallint = s.wallet
    UNION ALL SELECT NULL LIMIT 1
) AS trace
CROSS JOIN LATERAL (
    SELECT concat('available ', s.available, ', pending ', s.pending, ', held ', s.held, ', debt ', s.debt) AS by_movements
) AS replayed
CROSS JOIN LATERAL (VALUES
    ('balance_negative', s.available < 0 OR s.pending < 0 OR s.held < 0 OR s.debt < 0,
     concat('wallet ', s.wallet, ' after movement ', s.position, ' of transaction ', s.member_id, '-', s.sequence, ': ',
            by_movements)),
    ('debt_with_available', s.ends_transaction AND s.available > 0 AND s.debt > 0,
     concat('wallet ', s.wallet, ' after transaction ', s.member_id, '-', s.sequence, ': ', by_movements)),
    ('movement_without_transaction', s.ends_transaction AND s.sequence IS NOT NULL AND s.trace IS NULL,
     concat('transaction ', s.member_id, '-', s.sequence, ' has movements and does not exist')),
    ('trace_balance', s.ends_transaction AND s.trace IS NOT NULL AND (
        (said ->> 1)::bigint IS DISTINCT FROM s.available OR (said ->> 2)::bigint IS DISTINCT FROM s.pending
        OR (said ->> 3)::bigint IS DISTINCT FROM s.held OR (said ->> 4)::bigint IS DISTINCT FROM s.debt),
     concat('transaction ', s.member_id, '-', s.sequence, ' says ', coalesce(said::text, 'nothing'), ' of wallet ',
            s.wallet, ', its movements ', by_movements)),
    ('account_missing', s.is_last AND s.last_sequence IS NULL,
     concat('no account of wallet ', s.wallet, ', movements give ', by_movements)),
    ('account_sequence', s.last_sequence <> coalesce(s.sequence, 0),
     concat('wallet ', s.wallet, ' says its last transaction is ', s.member_id, '-', s.last_sequence, ', it is ',
            s.member_id, '-', coalesce(s.sequence, 0))),
    ('account_balance', s.account_available <> coalesce(s.available, 0) OR s.account_pending <> coalesce(s.pending, 0)
        OR s.account_held <> coalesce(s.held, 0) OR s.account_debt <> coalesce(s.debt, 0),
     concat('wallet ', s.wallet, ' says available ', s.account_available, ', pending ', s.account_pending, ', held ',
            s.account_held, ', debt ', s.account_debt, ', its movements ', by_movements))
) AS found (kind, is_true, detail)
WHERE found.is_true

-- name: shards_lots
-- Replays every lot: opened where its number says, in one wallet, never overdrawn, and as its row says.
WITH opened AS (
    SELECT shard, member_id, lot, wallet, sequence, position, from_bucket, earned_at, effective_at, expires_at,
           CASE to_bucket WHEN 1 THEN amount ELSE 0 END AS pending, CASE to_bucket WHEN 2 THEN amount ELSE 0 END AS available
    FROM movements
    WHERE shard BETWEEN $1 AND $2 AND lot <> 0 AND earned_at IS NOT NULL AND to_bucket IN (1, 2)
), used AS (
    SELECT shard, member_id, lot, min(wallet) AS wallet, max(wallet) AS last_wallet, min(sequence) AS sequence,
           total(CASE 1 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) AS pending,
           total(CASE 2 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) AS available,
           total(CASE 3 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) AS held,
           -- Into which a bucket only gives after it has got everything, is never overdrawn if it is not in the end.
           max(sequence) FILTER (WHERE to_bucket = 1) < min(sequence) FILTER (WHERE from_bucket = 1) AS pending_first,
           max(sequence) FILTER (WHERE to_bucket = 2) < min(sequence) FILTER (WHERE from_bucket = 2) AS available_first,
           max(sequence) FILTER (WHERE to_bucket = 3) < min(sequence) FILTER (WHERE from_bucket = 3) AS held_first
    FROM movements
    WHERE shard BETWEEN $1 AND $2 AND lot <> 0 AND NOT (earned_at IS NOT NULL AND to_bucket IN (1, 2))
    GROUP BY shard, member_id, lot
), suspects AS (
    SELECT DISTINCT coalesce(o.shard, u.shard, l.shard) AS shard, coalesce(o.member_id, u.member_id, l.member_id) AS member_id,
           coalesce(o.lot, u.lot, l.lot) AS lot
    FROM opened o
    FULL JOIN used u ON u.member_id = o.member_id AND u.lot = o.lot AND u.shard = o.shard
    FULL JOIN (SELECT * FROM lots WHERE shard BETWEEN $1 AND $2) l
        ON l.member_id = o.member_id AND l.lot = o.lot AND l.shard = o.shard
    CROSS JOIN LATERAL (
        SELECT o.pending + coalesce(u.pending, 0) AS pending, o.available + coalesce(u.available, 0) AS available
    ) AS rest
    -- Compared with a number as the planner then expects few, and hashes the suspects rather than the ledger.
    WHERE CASE WHEN o.lot = (o.sequence::bigint << 20) + o.position AND o.from_bucket >= 10
        AND (u.lot IS NULL OR u.sequence > o.sequence AND u.wallet = o.wallet AND u.last_wallet = o.wallet AND u.held >= 0
             AND coalesce(u.pending_first, true) AND coalesce(u.available_first, true) AND coalesce(u.held_first, true))
        AND CASE WHEN l.lot IS NULL THEN rest.pending = 0 AND rest.available = 0
                 -- Nothing that could differ is left to a second row: the rest is the lots' primary key.
                 ELSE l.wallet = o.wallet AND l.earned_at = o.earned_at AND l.effective_at = o.effective_at
                      AND l.expires_at = o.expires_at AND CASE
                          WHEN l.pending THEN rest.pending = l.remaining AND rest.available = 0
                          ELSE rest.available = l.remaining AND rest.pending = 0 END END
        THEN 0 ELSE 1 END = 1
), steps AS (
    SELECT shard, member_id, lot, wallet, sequence, position, earned_at,
           total(CASE 1 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) OVER steps AS pending,
           total(CASE 2 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) OVER steps AS available,
           total(CASE 3 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) OVER steps AS held,
           first_value(wallet) OVER steps AS first_wallet,
           first_value(earned_at) OVER steps AS lot_earned_at,
           first_value(effective_at) OVER steps AS lot_effective_at,
           first_value(expires_at) OVER steps AS lot_expires_at,
           lead(sequence) OVER steps AS next_sequence,
           lag(sequence) OVER steps AS previous_sequence,
           from_bucket
    FROM (SELECT * FROM movements WHERE shard BETWEEN $1 AND $2 AND lot <> 0) m
    JOIN suspects USING (shard, member_id, lot)
    WINDOW steps AS (PARTITION BY shard, member_id, lot ORDER BY sequence, position ROWS UNBOUNDED PRECEDING)
), rows_of_lots AS (
    -- Named apart, so that a second row of one lot is found as well.
    SELECT shard, member_id, lot, wallet, pending, remaining, earned_at, effective_at, expires_at,
           row_number() OVER (PARTITION BY shard, member_id, lot ORDER BY wallet, pending) AS copy
    FROM (SELECT * FROM lots WHERE shard BETWEEN $1 AND $2) l
    JOIN suspects USING (shard, member_id, lot)
), ends AS (
    SELECT * FROM steps
    WHERE next_sequence IS NULL OR pending < 0 OR available < 0 OR held < 0 OR wallet <> first_wallet
        OR (previous_sequence IS NULL) <> (earned_at IS NOT NULL)
        OR previous_sequence IS NULL AND (lot <> (sequence::bigint << 20) + position OR from_bucket < 10)
)
SELECT found.kind, coalesce(s.member_id, l.member_id) AS member_id, found.detail
FROM ends s
FULL JOIN rows_of_lots l ON l.shard = s.shard AND l.member_id = s.member_id AND l.lot = s.lot AND l.copy = 1
    AND s.next_sequence IS NULL
CROSS JOIN LATERAL (VALUES
    ('lot_overdrawn', s.pending < 0 OR s.available < 0 OR s.held < 0,
     concat('lot ', s.lot, ' after transaction ', s.member_id, '-', s.sequence, ': pending ', s.pending, ', available ',
            s.available, ', held ', s.held)),
    ('lot_history', s.lot IS NOT NULL AND (
        s.wallet <> s.first_wallet OR (s.previous_sequence IS NULL) <> (s.earned_at IS NOT NULL)
        OR s.previous_sequence IS NULL AND (s.lot <> (s.sequence::bigint << 20) + s.position OR s.from_bucket < 10)),
     concat('lot ', s.lot, ' is not opened by the movement that its number names, or changes its wallet, at transaction ',
            s.member_id, '-', s.sequence)),
    ('lot_missing', l.lot IS NULL AND s.next_sequence IS NULL AND (s.pending > 0 OR s.available > 0),
     concat('lot ', s.lot, ' of wallet ', s.wallet, ' has no row; movements leave pending ', s.pending, ', available ',
            s.available)),
    ('lot_surplus', s.lot IS NULL OR s.next_sequence IS NULL AND l.lot IS NOT NULL AND s.pending = 0 AND s.available = 0,
     concat('lot ', l.lot, ' of wallet ', l.wallet, ' says ', l.remaining, ' remain; movements leave nothing')),
    ('lot_remaining', s.lot IS NOT NULL AND l.lot IS NOT NULL AND (s.pending <> 0 OR s.available <> 0) AND (
        l.wallet <> s.wallet OR CASE WHEN l.pending THEN s.pending <> l.remaining OR s.available <> 0
                                     ELSE s.available <> l.remaining OR s.pending <> 0 END),
     concat('lot ', l.lot, ' of wallet ', l.wallet, ' says ', l.remaining, CASE WHEN l.pending THEN ' pending' ELSE ' available' END,
            '; movements leave pending ', s.pending, ', available ', s.available, ' in wallet ', s.wallet)),
    ('lot_terms', s.next_sequence IS NULL AND (l.earned_at <> s.lot_earned_at OR l.effective_at <> s.lot_effective_at
                                               OR l.expires_at <> s.lot_expires_at),
     concat('lot ', l.lot, ' says earned, effective, expires ', concat_ws(', ', l.earned_at, l.effective_at, l.expires_at),
            '; it was opened with ', concat_ws(', ', s.lot_earned_at, s.lot_effective_at, s.lot_expires_at)))
) AS found (kind, is_true, detail)
-- First what a sound lot looks like, so that the rest is worked out for the others only.
WHERE (s.next_sequence IS NULL AND s.pending >= 0 AND s.available >= 0 AND s.held >= 0 AND s.wallet = s.first_wallet
       AND CASE WHEN s.previous_sequence IS NULL
                THEN s.earned_at IS NOT NULL AND s.lot = (s.sequence::bigint << 20) + s.position AND s.from_bucket >= 10
                ELSE s.earned_at IS NULL END
       AND CASE WHEN l.lot IS NULL THEN s.pending = 0 AND s.available = 0
                ELSE l.wallet = s.wallet AND l.remaining = s.pending + s.available AND l.earned_at = s.lot_earned_at
                     AND l.effective_at = s.lot_effective_at AND l.expires_at = s.lot_expires_at
                     AND CASE WHEN l.pending THEN s.available = 0 ELSE s.pending = 0 END END) IS NOT TRUE
    AND found.is_true
UNION ALL
SELECT 'lot_surplus', member_id, concat('lot ', lot, ' has more than one row') FROM rows_of_lots WHERE copy > 1

-- name: shards_holds
-- Replays every hold, lot by lot, and compares what is left with the open holds.
WITH moved AS (
    SELECT shard, member_id, sequence AS hold, wallet, lot, amount
    FROM movements WHERE shard BETWEEN $1 AND $2 AND to_bucket = 3
    UNION ALL
    SELECT m.shard, m.member_id, t.refers_to, m.wallet, m.lot, -m.amount
    FROM movements m
    JOIN transactions t ON t.shard = m.shard AND t.member_id = m.member_id AND t.sequence = m.sequence
    -- Captured, released, ended: nothing else may take from a hold.
    WHERE m.shard BETWEEN $1 AND $2 AND t.shard BETWEEN $1 AND $2 AND m.from_bucket = 3 AND t.kind IN (4, 5, 6)
), replayed AS (
    SELECT shard, member_id, hold, wallet, lot, total(amount) AS amount
    FROM moved GROUP BY shard, member_id, hold, wallet, lot HAVING total(amount) <> 0
), pieces AS (
    SELECT h.shard, h.member_id, h.sequence AS hold, h.wallet, (piece ->> 0)::bigint AS lot,
           total((piece ->> 1)::bigint) AS amount
    FROM holds h, json_array_elements(h.pieces) AS piece
    WHERE h.shard BETWEEN $1 AND $2
    GROUP BY 1, 2, 3, 4, 5
)
SELECT CASE WHEN p.hold IS NULL AND h.sequence IS NULL THEN 'hold_missing'
            WHEN r.hold IS NULL THEN 'hold_surplus' ELSE 'hold_pieces' END AS kind,
       coalesce(r.member_id, p.member_id) AS member_id,
       concat('hold ', coalesce(r.member_id, p.member_id), '-', coalesce(r.hold, p.hold), ' of wallet ',
              coalesce(r.wallet, p.wallet), ' binds ', coalesce(p.amount, 0), ' of lot ', coalesce(r.lot, p.lot),
              '; its movements ', coalesce(r.amount, 0)) AS detail
FROM replayed r
FULL JOIN pieces p ON p.shard = r.shard AND p.member_id = r.member_id AND p.hold = r.hold AND p.wallet = r.wallet
    AND p.lot = r.lot
LEFT JOIN holds h ON h.shard = r.shard AND h.member_id = r.member_id AND h.sequence = r.hold
WHERE r.amount IS DISTINCT FROM p.amount
UNION ALL
SELECT 'hold_remaining', h.member_id,
       concat('hold ', h.member_id, '-', h.sequence, ' says ', h.remaining, ' remain, its pieces ',
              coalesce(p.amount, 0))
FROM holds h
LEFT JOIN (SELECT shard, member_id, hold, total(amount) AS amount FROM pieces GROUP BY 1, 2, 3) p
    ON p.shard = h.shard AND p.member_id = h.member_id AND p.hold = h.sequence
WHERE h.shard BETWEEN $1 AND $2 AND h.remaining IS DISTINCT FROM p.amount
UNION ALL
SELECT 'hold_terms', h.member_id, concat('hold ', h.member_id, '-', h.sequence, ' ends ', h.expires_at,
                                         '; it was placed until ', t.trace ->> 'until')
FROM holds h
JOIN transactions t ON t.shard = h.shard AND t.member_id = h.member_id AND t.sequence = h.sequence
WHERE h.shard BETWEEN $1 AND $2 AND t.shard BETWEEN $1 AND $2 AND t.kind = 3
    AND (t.trace ->> 'until')::timestamptz IS DISTINCT FROM h.expires_at
UNION ALL
SELECT 'hold_terms', h.member_id,
       concat('hold ', h.member_id, '-', h.sequence, ' gives lot ', piece ->> 0, ' other terms than it was opened with')
FROM holds h
CROSS JOIN LATERAL json_array_elements(h.pieces) AS piece
JOIN movements m ON m.shard = h.shard AND m.member_id = h.member_id AND m.sequence = ((piece ->> 0)::bigint >> 20)::integer
    AND m.position = ((piece ->> 0)::bigint & 1048575)::integer
WHERE h.shard BETWEEN $1 AND $2 AND m.shard BETWEEN $1 AND $2
    AND ((piece -> 2 ->> 'earned_at')::timestamptz, (piece -> 2 ->> 'effective_at')::timestamptz,
         (piece -> 2 ->> 'expires_at')::timestamptz) IS DISTINCT FROM (m.earned_at, m.effective_at, m.expires_at)

-- name: shards_transactions
-- A member's transactions are numbered 1, 2, 3 ...; what they name exists: the version of the program, and the
-- transaction referred to, which came before.
WITH gaps AS (
    SELECT shard, member_id, min(sequence) AS least, max(sequence) AS most, count(*) AS count
    FROM transactions WHERE shard BETWEEN $1 AND $2
    GROUP BY member_id, shard HAVING min(sequence) <> 1 OR max(sequence) <> count(*)
)
SELECT 'sequence_gap' AS kind, member_id,
       concat('transactions are numbered ', least, ' to ', most, ', there are ', count) AS detail
FROM gaps
UNION ALL
SELECT 'program_version_missing', t.member_id,
       concat('transaction ', t.member_id, '-', t.sequence, ' was decided by version ', t.program_version,
              ', which does not exist')
FROM transactions t
WHERE t.shard BETWEEN $1 AND $2 AND t.program_version <> ALL (ARRAY(SELECT version FROM program_versions))
UNION ALL
SELECT 'reference_missing', t.member_id,
       concat('transaction ', t.member_id, '-', t.sequence, ' refers to ', t.member_id, '-', t.refers_to,
              ', which does not exist or came later')
FROM transactions t
LEFT JOIN gaps g ON g.shard = t.shard AND g.member_id = t.member_id
-- Where there is no gap, every number below one's own exists.
WHERE t.shard BETWEEN $1 AND $2 AND t.refers_to IS NOT NULL AND (t.refers_to NOT BETWEEN 1 AND t.sequence - 1
    OR g.member_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM gaps JOIN transactions p USING (shard, member_id)
        WHERE p.shard BETWEEN $1 AND $2 AND p.shard = t.shard AND p.member_id = t.member_id AND p.sequence = t.refers_to))

-- name: shards_next_changes
-- No account sleeps through the moment at which a lot matures or expires, or a hold ends.
SELECT 'next_change_late' AS kind, a.member_id,
       concat('wallet ', a.wallet, ' looks again at ', a.next_change_at, '; something changes at ', min(due.at)) AS detail
FROM accounts a
JOIN (
    SELECT shard, member_id, wallet, CASE WHEN pending THEN effective_at ELSE expires_at END AS at FROM lots
    WHERE shard BETWEEN $1 AND $2
    UNION ALL
    SELECT shard, member_id, wallet, expires_at FROM holds WHERE shard BETWEEN $1 AND $2
) due ON due.shard = a.shard AND due.member_id = a.member_id AND due.wallet = a.wallet AND due.at < a.next_change_at
WHERE a.shard BETWEEN $1 AND $2
GROUP BY a.member_id, a.wallet, a.next_change_at

-- name: shards_members
-- Members have accounts, and lie where they are looked for (the hash of jifen.core.identity; its 64-bit product is
-- worked out in two halves, as PostgreSQL has no unsigned numbers).
SELECT 'member_without_account' AS kind, m.member_id, 'has no account' AS detail
FROM members m
WHERE m.shard BETWEEN $1 AND $2
    AND NOT EXISTS (SELECT FROM accounts a WHERE a.shard BETWEEN $1 AND $2 AND a.shard = m.shard AND a.member_id = m.member_id)
UNION ALL
SELECT 'member_missing', a.member_id, concat('has an account of wallet ', a.wallet, ' and is not a member')
FROM accounts a
WHERE a.shard BETWEEN $1 AND $2
    AND NOT EXISTS (SELECT FROM members m WHERE m.shard BETWEEN $1 AND $2 AND m.shard = a.shard AND m.member_id = a.member_id)
UNION ALL
SELECT 'member_missing', t.member_id, 'has transactions and is not a member'
FROM transactions t
-- Whoever has transactions has a first one, or a gap is found.
WHERE t.shard BETWEEN $1 AND $2 AND t.sequence = 1 AND NOT EXISTS (SELECT FROM members m WHERE m.shard BETWEEN $1 AND $2 AND m.shard = t.shard AND m.member_id = t.member_id)
UNION ALL
SELECT 'member_shard', m.member_id, concat('lies in shard ', m.shard, ', belongs into ', place.shard)
FROM members m
CROSS JOIN LATERAL (
    SELECT mod(div(m.member_id * 11400714819323198485::numeric, 4294967296::numeric), 2147483648::numeric)::bigint
           % (SELECT shards FROM installation) AS shard
) AS place
WHERE m.shard BETWEEN $1 AND $2 AND m.shard <> place.shard

-- name: shards_wallets
-- What every wallet's buckets have taken in and given out; the caller adds the shards up.
SELECT wallet, from_bucket, to_bucket, total(amount) AS amount, count(*) AS count
FROM movements WHERE shard BETWEEN $1 AND $2
GROUP BY wallet, from_bucket, to_bucket

-- name: wallets
-- What the accounts of every wallet say, all together.
SELECT wallet, total(available) AS available, total(pending) AS pending, total(held) AS held, total(debt) AS debt
FROM accounts GROUP BY wallet

-- name: keys
-- Every command has its key, an order and a refund also theirs (jifen.engine.submission); every key its transaction.
WITH expected AS NOT MATERIALIZED (
    SELECT member_id, sequence,
           substr(sha256('\x6b657900'::bytea || convert_to(source, 'UTF8') || '\x00'::bytea || convert_to(key_id, 'UTF8')),
                  1, 16) AS digest
    FROM transactions
    -- What time did has no key; of a transfer the sender's side has it.
    WHERE source <> 'jifen:time' AND (kind <> 10 OR (trace ->> 'points')::bigint < 0)
    UNION ALL
    SELECT member_id, sequence,
           substr(sha256('\x6f726465720000'::bytea || convert_to(CASE
               -- Facts begin {"order_id":"A-17", and reading all of them as JSON is dear.
               WHEN starts_with(facts::text, '{"order_id":"') AND strpos(split_part(facts::text, '"', 4), '\') = 0
               THEN split_part(facts::text, '"', 4) ELSE facts ->> 'order_id' END, 'UTF8')), 1, 16)
    FROM transactions WHERE kind = 1 AND facts IS NOT NULL
    UNION ALL
    SELECT member_id, sequence,
           substr(sha256('\x726566756e640000'::bytea || convert_to(facts ->> 'order_id', 'UTF8') || '\x00'::bytea
                         || convert_to(facts ->> 'refund_id', 'UTF8')), 1, 16)
    FROM transactions WHERE kind = 8 AND facts IS NOT NULL
), wanted AS (
    SELECT count(*) AS count, sum(hashbyteaextended(digest, member_id << 31 # sequence)) AS one_print,
           sum(hashbyteaextended(digest, sequence::bigint << 40 # member_id)) AS other_print, 0::bigint AS misplaced
    FROM expected
), there AS (
    SELECT count(*) AS count, sum(hashbyteaextended(digest, member_id << 31 # sequence)) AS one_print,
           sum(hashbyteaextended(digest, sequence::bigint << 40 # member_id)) AS other_print,
           count(*) FILTER (WHERE CASE octet_length(digest)
               WHEN 16 THEN shard <> (get_byte(digest, 0) * 256 + get_byte(digest, 1)) % shards ELSE true END) AS misplaced
    FROM keys, (SELECT shards FROM installation) AS installed
    WHERE sequence <> 0
)
SELECT CASE WHEN k.digest IS NULL THEN 'key_missing' WHEN e.digest IS NULL THEN 'key_surplus' ELSE 'key_target' END AS kind,
       coalesce(e.member_id, k.member_id) AS member_id,
       CASE WHEN k.digest IS NULL THEN concat('transaction ', e.member_id, '-', e.sequence, ' has no key ', encode(e.digest, 'hex'))
            WHEN e.digest IS NULL THEN concat('key ', encode(k.digest, 'hex'), ' names transaction ', k.member_id, '-', k.sequence,
                                              ', which does not exist or has another key')
            ELSE concat('key ', encode(k.digest, 'hex'), ' of transaction ', e.member_id, '-', e.sequence, ' names ', k.member_id,
                        '-', k.sequence, ' in shard ', k.shard) END AS detail
FROM expected e
FULL JOIN (SELECT * FROM keys WHERE sequence <> 0) k ON k.digest = e.digest
-- The quick look: the keys that must be there and those that are have the same prints. Else they are compared one by one.
WHERE (SELECT wanted IS DISTINCT FROM there FROM wanted, there) AND (
    k.digest IS NULL OR e.digest IS NULL OR k.member_id <> e.member_id OR k.sequence <> e.sequence
    OR k.shard <> (get_byte(k.digest, 0) * 256 + get_byte(k.digest, 1)) % (SELECT shards FROM installation))

-- name: lookups
-- Keys of registrations and identities find a member.
SELECT 'key_surplus' AS kind, k.member_id, concat('key ', encode(k.digest, 'hex'), ' names a member that does not exist') AS detail
FROM keys k
WHERE k.sequence = 0 AND NOT EXISTS (SELECT FROM members m WHERE m.member_id = k.member_id)
UNION ALL
SELECT 'identity_without_member', i.member_id, concat('an identity of the kind ', i.kind, ' finds a member that does not exist')
FROM identities i
WHERE NOT EXISTS (SELECT FROM members m WHERE m.member_id = i.member_id)

-- name: transfers
-- Both sides of a transfer name each other, and what left here arrived there.
WITH transit AS (
    SELECT member_id, sequence, wallet, total(CASE WHEN to_bucket = 15 THEN amount ELSE -amount END) AS amount
    FROM movements WHERE to_bucket = 15 OR from_bucket = 15
    GROUP BY member_id, sequence, wallet
), sides AS (
    SELECT t.member_id, t.sequence, t.counterpart_id, t.counterpart_sequence, m.wallet, m.amount
    FROM transactions t
    LEFT JOIN transit m ON m.member_id = t.member_id AND m.sequence = t.sequence
    WHERE t.kind = 10 OR t.counterpart_id IS NOT NULL
)
SELECT 'transfer_unpaired' AS kind, here.member_id,
       concat('transfer ', here.member_id, '-', here.sequence, ' sends ', coalesce(here.amount, 0), '; its other side ',
              here.counterpart_id, '-', here.counterpart_sequence, ' ',
              CASE WHEN there.member_id IS NULL THEN 'does not exist or names another'
                   ELSE concat('takes ', -coalesce(there.amount, 0)) END) AS detail
FROM sides here
LEFT JOIN sides there ON there.member_id = here.counterpart_id AND there.sequence = here.counterpart_sequence
    AND there.counterpart_id = here.member_id AND there.counterpart_sequence = here.sequence
WHERE there.member_id IS NULL OR here.wallet IS DISTINCT FROM there.wallet OR here.amount IS NULL
    OR here.amount <> -there.amount
UNION ALL
SELECT 'transfer_unpaired', m.member_id, concat('transaction ', m.member_id, '-', m.sequence, ' moves points in transit and is no transfer')
FROM transit m
WHERE NOT EXISTS (SELECT FROM sides s WHERE s.member_id = m.member_id AND s.sequence = m.sequence)

-- name: counts
SELECT (SELECT count(*) FROM members) AS members, (SELECT count(*) FROM transactions) AS transactions,
       (SELECT count(*) FROM movements) AS movements, (SELECT count(*) FROM lots) AS lots,
       (SELECT count(*) FROM accounts) AS accounts, (SELECT count(*) FROM keys) AS keys,
       (SELECT count(*) FROM holds) AS holds
