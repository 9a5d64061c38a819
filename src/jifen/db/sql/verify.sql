-- What `jifen verify` asks. Every block gives findings as (kind, member_id, detail); no row: nothing is wrong.
--
-- Blocks named `shards_...` look at the shards $1 to $2; the others at everything. None relies on what the engine
-- believes: balances, lots, holds and savings are worked out anew from the movements, step by step.
-- The dear ones look twice. The quick look goes over everything and puts aside what is evidently sound; what is left
-- are suspects, not findings. The close look replays the suspects alone and says what is wrong, if anything is.
-- Numbers are those of jifen.core.ledger.values. Buckets: 1 pending, 2 available, 3 held, 4 saved, 5 debt, from 10 on
-- the program's side (15 transit). Kinds: 1 earn, 3 hold, 8 reverse, 9 adjust, 10 transfer, 15 convert, 16 save.

-- name: shards_balances
-- Replays every account: no bucket below zero at any step, the balances in every trace, and the account rows.
WITH happened AS (
    SELECT shard, member_id, wallet, sequence, position, from_bucket, to_bucket, amount
    FROM movements WHERE shard BETWEEN $1 AND $2
    UNION ALL
    -- Tiers, redemptions and their steps, and draws (18, 13, 14, 20) that move nothing name the balance of a wallet all the same: a step of 0.
    SELECT t.shard, t.member_id, w.number, t.sequence, 0, NULL, NULL, 0
    FROM transactions t
    LEFT JOIN wallets w ON starts_with(t.trace::text, '{"balances":[[' || w.number || ',')
    -- Where no version of the program ever had either, no transaction need be looked at.
    WHERE EXISTS (SELECT 1 FROM program_versions WHERE content::text ~ '"(tier_sets|rewards|draws)":\[\{')
        AND t.shard BETWEEN $1 AND $2 AND t.kind IN (13, 14, 18, 20)
        AND NOT EXISTS (SELECT 1 FROM movements m
                        WHERE m.shard = t.shard AND m.member_id = t.member_id AND m.sequence = t.sequence)
), replayed AS (
    SELECT shard, member_id, wallet, sequence, lead(sequence) OVER steps AS next_sequence,
           total(CASE 2 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) OVER steps AS available,
           total(CASE 1 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) OVER steps AS pending,
           total(CASE 3 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) OVER steps AS held,
           total(CASE 5 WHEN to_bucket THEN -amount WHEN from_bucket THEN amount ELSE 0 END) OVER steps AS debt,
           total(CASE 4 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) OVER steps AS saved
    FROM happened
    -- The member first: it tells most rows apart at the first comparison.
    WINDOW steps AS (PARTITION BY member_id, shard, wallet ORDER BY sequence, position ROWS UNBOUNDED PRECEDING)
), by_movements AS (
    -- The sides are compared by prints: who says the same of the same transaction leaves the same print. Traces begin
    -- {"balances":[[1,250,0,0,0]], so they are read as text, which is far cheaper than JSON.
    SELECT member_id, shard, wallet, bit_xor(print) AS print,
           max(print) FILTER (WHERE next_sequence IS NULL) AS last_print,
           bool_or(available < 0 OR pending < 0 OR held < 0 OR debt < 0 OR saved < 0 OR available > 0 AND debt > 0) AS is_wrong
    FROM (
        SELECT *, hashtextextended('{"balances":[[' || wallet || ',' || available || CASE
                      WHEN pending = 0 AND held = 0 AND debt = 0 AND saved = 0 THEN ',0,0,0'
                      ELSE ',' || pending || ',' || held || ',' || debt
                           || CASE WHEN saved = 0 THEN '' ELSE ',' || saved END END, sequence) AS print
        FROM replayed
        WHERE next_sequence IS DISTINCT FROM sequence OR available < 0 OR pending < 0 OR held < 0 OR debt < 0 OR saved < 0
    ) ends
    GROUP BY member_id, shard, wallet
), by_traces AS (
    SELECT member_id, shard, wallet, bit_xor(print) AS print
    FROM (
        SELECT member_id, shard, (SELECT min(number) FROM wallets) AS wallet,
               hashtextextended(split_part(trace::text, ']', 1), sequence) AS print
        FROM transactions WHERE shard BETWEEN $1 AND $2 AND (SELECT count(*) FROM wallets) = 1
        UNION ALL
        SELECT t.member_id, t.shard, w.number,
               hashtextextended('{"balances":[[' || w.number || ',' || said.balances, t.sequence)
        FROM transactions t
        CROSS JOIN wallets w
        CROSS JOIN LATERAL (
            SELECT split_part(split_part(split_part(t.trace::text, ']]', 1), '[' || w.number || ',', 2), ']', 1)
                   AS balances
        ) AS said
        WHERE t.shard BETWEEN $1 AND $2 AND (SELECT count(*) FROM wallets) > 1 AND said.balances <> ''
        UNION ALL
        -- A print that nobody else leaves, for a trace that names more than the wallets there are.
        SELECT t.member_id, t.shard, (SELECT min(number) FROM wallets), 1
        FROM transactions t
        CROSS JOIN LATERAL (SELECT split_part(t.trace::text, ']]', 1) AS balances) AS said
        WHERE t.shard BETWEEN $1 AND $2 AND (SELECT count(*) FROM wallets) > 1
            AND length(said.balances) - length(replace(said.balances, '[', '')) - 1
                <> (SELECT count(*) FROM wallets w WHERE strpos(said.balances, '[' || w.number || ',') > 0)
    ) said
    GROUP BY member_id, shard, wallet
), by_accounts AS (
    SELECT member_id, shard, wallet,
           hashtextextended(concat('{"balances":[[', wallet, ',', available, ',', pending, ',', held, ',', debt,
                                   CASE WHEN saved <> 0 THEN concat(',', saved) END),
                            last_sequence) AS last_print
    FROM accounts
    -- An account that nothing ever touched is empty.
    WHERE shard BETWEEN $1 AND $2
        AND NOT (last_sequence = 0 AND available = 0 AND pending = 0 AND held = 0 AND debt = 0 AND saved = 0)
), suspects AS (
    SELECT member_id, shard, wallet
    FROM by_movements m
    FULL JOIN by_traces t USING (member_id, shard, wallet)
    FULL JOIN by_accounts a USING (member_id, shard, wallet)
    WHERE (m.print = t.print AND m.last_print = a.last_print AND NOT m.is_wrong) IS NOT TRUE
), told AS (
    SELECT s.shard, s.member_id, t.sequence, t.trace
    FROM (SELECT DISTINCT shard, member_id FROM suspects) s
    -- OFFSET 0, here and below: looked up for one suspect after another, never read as a whole.
    CROSS JOIN LATERAL (
        SELECT sequence, trace FROM transactions t WHERE t.shard = s.shard AND t.member_id = s.member_id OFFSET 0
    ) AS t
), moved AS (
    SELECT m.shard, m.member_id, m.wallet, m.sequence, m.position,
           CASE 2 WHEN m.to_bucket THEN m.amount WHEN m.from_bucket THEN -m.amount ELSE 0 END AS available,
           CASE 1 WHEN m.to_bucket THEN m.amount WHEN m.from_bucket THEN -m.amount ELSE 0 END AS pending,
           CASE 3 WHEN m.to_bucket THEN m.amount WHEN m.from_bucket THEN -m.amount ELSE 0 END AS held,
           CASE 5 WHEN m.to_bucket THEN -m.amount WHEN m.from_bucket THEN m.amount ELSE 0 END AS debt,
           CASE 4 WHEN m.to_bucket THEN m.amount WHEN m.from_bucket THEN -m.amount ELSE 0 END AS saved
    FROM suspects s
    CROSS JOIN LATERAL (
        SELECT * FROM movements m WHERE m.shard = s.shard AND m.member_id = s.member_id AND m.wallet = s.wallet OFFSET 0
    ) AS m
    UNION ALL
    -- A wallet that a transaction names has a step of 0 at its end, whether or not anything moved there.
    SELECT s.shard, s.member_id, s.wallet, t.sequence, 2147483647, 0, 0, 0, 0, 0
    FROM suspects s
    JOIN told t ON t.shard = s.shard AND t.member_id = s.member_id
    CROSS JOIN LATERAL json_array_elements(t.trace -> 'balances') AS said
    WHERE (said ->> 0)::smallint = s.wallet
), steps AS (
    SELECT shard, member_id, wallet, sequence, position,
           total(available) OVER steps AS available, total(pending) OVER steps AS pending,
           total(held) OVER steps AS held, total(debt) OVER steps AS debt, total(saved) OVER steps AS saved,
           lead(sequence) OVER steps AS next_sequence
    FROM moved
    WINDOW steps AS (PARTITION BY shard, member_id, wallet ORDER BY sequence, position ROWS UNBOUNDED PRECEDING)
), compared AS (
    SELECT coalesce(s.member_id, a.member_id) AS member_id, coalesce(s.wallet, a.wallet) AS wallet, s.sequence, s.position,
           s.available, s.pending, s.held, s.debt, s.saved, s.next_sequence IS DISTINCT FROM s.sequence AS ends_transaction,
           s.sequence IS NOT NULL AND s.next_sequence IS NULL AS is_last,
           t.trace, a.last_sequence, a.available AS account_available, a.pending AS account_pending,
           a.held AS account_held, a.debt AS account_debt, a.saved AS account_saved
    FROM steps s
    LEFT JOIN told t ON t.shard = s.shard AND t.member_id = s.member_id AND t.sequence = s.sequence
    FULL JOIN (
        SELECT a.* FROM suspects s CROSS JOIN LATERAL (
            SELECT * FROM accounts a
            WHERE a.shard = s.shard AND a.member_id = s.member_id AND a.wallet = s.wallet OFFSET 0
        ) AS a
    ) a ON a.shard = s.shard AND a.member_id = s.member_id AND a.wallet = s.wallet AND s.next_sequence IS NULL
)
SELECT found.kind, s.member_id, found.detail
FROM compared s
CROSS JOIN LATERAL (
    SELECT said FROM json_array_elements(s.trace -> 'balances') AS said WHERE (said ->> 0)::smallint = s.wallet
    UNION ALL SELECT NULL LIMIT 1
) AS trace
CROSS JOIN LATERAL (
    SELECT concat('available ', s.available, ', pending ', s.pending, ', held ', s.held, ', debt ', s.debt,
                  CASE WHEN s.saved <> 0 THEN concat(', saved ', s.saved) END) AS by_movements
) AS replayed
CROSS JOIN LATERAL (VALUES
    ('balance_negative', s.available < 0 OR s.pending < 0 OR s.held < 0 OR s.debt < 0 OR s.saved < 0,
     concat('wallet ', s.wallet, ' after movement ', s.position, ' of transaction ', s.member_id, '-', s.sequence, ': ',
            by_movements)),
    ('debt_with_available', s.ends_transaction AND s.available > 0 AND s.debt > 0,
     concat('wallet ', s.wallet, ' after transaction ', s.member_id, '-', s.sequence, ': ', by_movements)),
    ('movement_without_transaction', s.ends_transaction AND s.sequence IS NOT NULL AND s.trace IS NULL,
     concat('transaction ', s.member_id, '-', s.sequence, ' has movements and does not exist')),
    ('trace_balance', s.ends_transaction AND s.trace IS NOT NULL AND (
        (said ->> 1)::bigint IS DISTINCT FROM s.available OR (said ->> 2)::bigint IS DISTINCT FROM s.pending
        OR (said ->> 3)::bigint IS DISTINCT FROM s.held OR (said ->> 4)::bigint IS DISTINCT FROM s.debt
        OR coalesce((said ->> 5)::bigint, 0) <> s.saved),
     concat('transaction ', s.member_id, '-', s.sequence, ' says ', coalesce(said::text, 'nothing'), ' of wallet ',
            s.wallet, ', its movements ', by_movements)),
    ('account_missing', s.is_last AND s.last_sequence IS NULL,
     concat('no account of wallet ', s.wallet, ', movements give ', by_movements)),
    ('account_sequence', s.last_sequence <> coalesce(s.sequence, 0),
     concat('wallet ', s.wallet, ' says its last transaction is ', s.member_id, '-', s.last_sequence, ', it is ',
            s.member_id, '-', coalesce(s.sequence, 0))),
    ('account_balance', s.account_available <> coalesce(s.available, 0) OR s.account_pending <> coalesce(s.pending, 0)
        OR s.account_held <> coalesce(s.held, 0) OR s.account_debt <> coalesce(s.debt, 0)
        OR s.account_saved <> coalesce(s.saved, 0),
     concat('wallet ', s.wallet, ' says available ', s.account_available, ', pending ', s.account_pending, ', held ',
            s.account_held, ', debt ', s.account_debt, CASE WHEN s.account_saved <> 0 THEN concat(', saved ', s.account_saved) END,
            ', its movements ', by_movements))
) AS found (kind, is_true, detail)
WHERE found.is_true
UNION ALL
SELECT 'trace_balance', t.member_id,
       concat('transaction ', t.member_id, '-', t.sequence, ' says ', said, ' of a wallet that does not exist')
FROM told t, json_array_elements(t.trace -> 'balances') AS said
WHERE (said ->> 0)::smallint <> ALL (ARRAY(SELECT number FROM wallets))

-- name: shards_answers
-- What an answer says was left, where more was booked behind it: a transaction of the same commit left just that.
SELECT 'trace_balance' AS kind, t.member_id,
       concat('transaction ', t.member_id, '-', t.sequence, ' says that ', said, ' was left; no transaction of its commit '
              'left that') AS detail
FROM transactions t
CROSS JOIN LATERAL json_array_elements(t.trace -> 'after_all') AS said
-- As text, which is far cheaper than JSON: few say it.
WHERE t.shard BETWEEN $1 AND $2 AND strpos(t.trace::text, '"after_all":[') > 0 AND NOT EXISTS (
    SELECT 1 FROM transactions u CROSS JOIN LATERAL json_array_elements(u.trace -> 'balances') AS there
    WHERE u.shard = t.shard AND u.member_id = t.member_id AND u.sequence >= t.sequence AND u.recorded_at = t.recorded_at
        AND (there ->> 0, there ->> 1, there ->> 2, there ->> 3, there ->> 4, coalesce(there ->> 5, '0'))
            = (said ->> 0, said ->> 1, said ->> 2, said ->> 3, said ->> 4, coalesce(said ->> 5, '0'))
)

-- name: shards_lots
-- Replays every lot: opened where its number says, in one wallet, never overdrawn, and as its row says.
WITH opened AS (
    SELECT shard, member_id, lot, wallet, sequence, position, from_bucket, to_bucket, amount,
           earned_at, effective_at, expires_at
    FROM movements
    WHERE shard BETWEEN $1 AND $2 AND lot <> 0 AND earned_at IS NOT NULL
), uses AS (
    SELECT shard, member_id, lot, wallet, sequence, position,
           total(CASE 1 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) OVER steps AS pending,
           total(CASE 2 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) OVER steps AS available,
           total(CASE 3 WHEN to_bucket THEN amount WHEN from_bucket THEN -amount ELSE 0 END) OVER steps AS held,
           lead(sequence) OVER steps AS next_sequence
    FROM movements
    WHERE shard BETWEEN $1 AND $2 AND lot <> 0 AND earned_at IS NULL
    WINDOW steps AS (PARTITION BY member_id, lot, shard ORDER BY sequence, position ROWS UNBOUNDED PRECEDING)
), used AS (
    -- What a lot's movements after the first made of it: in the end, and at worst.
    SELECT member_id, lot, shard, min(wallet) AS wallet, max(wallet) AS last_wallet,
           min((sequence::bigint << 20) + position) AS first_use, max(position) AS last_position,
           max(pending) FILTER (WHERE next_sequence IS NULL) AS pending, min(pending) AS least_pending,
           max(available) FILTER (WHERE next_sequence IS NULL) AS available, min(available) AS least_available,
           min(held) AS least_held
    FROM uses
    GROUP BY member_id, lot, shard
), suspects AS (
    SELECT DISTINCT coalesce(o.shard, u.shard, l.shard) AS shard,
           coalesce(o.member_id, u.member_id, l.member_id) AS member_id, coalesce(o.lot, u.lot, l.lot) AS lot
    FROM opened o
    FULL JOIN used u ON u.member_id = o.member_id AND u.lot = o.lot AND u.shard = o.shard
    FULL JOIN (SELECT * FROM lots WHERE shard BETWEEN $1 AND $2) l
        ON l.member_id = o.member_id AND l.lot = o.lot AND l.shard = o.shard
    CROSS JOIN LATERAL (
        SELECT CASE o.to_bucket WHEN 1 THEN o.amount ELSE 0 END AS opened_pending,
               CASE o.to_bucket WHEN 2 THEN o.amount ELSE 0 END AS opened_available
    ) AS start
    CROSS JOIN LATERAL (
        SELECT opened_pending + coalesce(u.pending, 0) AS pending, opened_available + coalesce(u.available, 0) AS available
    ) AS rest
    WHERE (o.lot = (o.sequence::bigint << 20) + o.position AND o.position < 1 << 20
        AND o.from_bucket >= 10 AND o.to_bucket IN (1, 2)
        AND (u.lot IS NULL
             OR u.first_use > o.lot AND u.last_position < 1 << 20 AND u.wallet = o.wallet AND u.last_wallet = o.wallet
             AND u.least_held >= 0 AND opened_pending + u.least_pending >= 0 AND opened_available + u.least_available >= 0)
        AND CASE WHEN l.lot IS NULL THEN rest.pending = 0 AND rest.available = 0
                 -- Nothing that could differ is left to a second row: the rest is the lots' primary key.
                 ELSE l.wallet = o.wallet AND l.earned_at = o.earned_at AND l.effective_at = o.effective_at
                      AND l.expires_at = o.expires_at AND CASE
                          WHEN l.pending THEN rest.pending = l.remaining AND rest.available = 0
                          ELSE rest.available = l.remaining AND rest.pending = 0 END END) IS NOT TRUE
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
    FROM suspects
    JOIN (
        SELECT m.* FROM (SELECT DISTINCT shard, member_id FROM suspects) s
        CROSS JOIN LATERAL (
            SELECT * FROM movements m WHERE m.shard = s.shard AND m.member_id = s.member_id AND m.lot <> 0 OFFSET 0
        ) AS m
    ) AS m USING (shard, member_id, lot)
    WINDOW steps AS (PARTITION BY shard, member_id, lot ORDER BY sequence, position ROWS UNBOUNDED PRECEDING)
), rows_of_lots AS (
    -- Named apart, so that a second row of one lot is found as well.
    SELECT shard, member_id, lot, wallet, pending, remaining, earned_at, effective_at, expires_at,
           row_number() OVER (PARTITION BY shard, member_id, lot ORDER BY wallet, pending) AS copy
    FROM suspects
    JOIN (
        SELECT l.* FROM (SELECT DISTINCT shard, member_id FROM suspects) s
        CROSS JOIN LATERAL (SELECT * FROM lots l WHERE l.shard = s.shard AND l.member_id = s.member_id OFFSET 0) AS l
    ) AS l USING (shard, member_id, lot)
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
WITH named AS MATERIALIZED (
    -- Placed (3, by a redemption 13); captured, released, ended (4 to 6), a later step of a redemption (14): nothing
    -- else may take from a hold.
    SELECT shard, member_id, sequence, kind, refers_to, trace
    FROM transactions WHERE shard BETWEEN $1 AND $2 AND kind IN (3, 4, 5, 6, 13, 14)
), moved AS (
    SELECT m.shard, m.member_id, CASE m.to_bucket WHEN 3 THEN m.sequence ELSE t.refers_to END AS hold, m.wallet, m.lot,
           CASE m.to_bucket WHEN 3 THEN m.amount ELSE -m.amount END AS amount
    FROM movements m
    LEFT JOIN named t ON t.shard = m.shard AND t.member_id = m.member_id AND t.sequence = m.sequence AND t.kind NOT IN (3, 13)
    WHERE m.shard BETWEEN $1 AND $2 AND 3 IN (m.to_bucket, m.from_bucket)
        AND (m.to_bucket = 3 OR t.sequence IS NOT NULL)
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
JOIN named t ON t.shard = h.shard AND t.member_id = h.member_id AND t.sequence = h.sequence
WHERE h.shard BETWEEN $1 AND $2 AND t.kind IN (3, 13)
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

-- name: shards_savings
-- Replays savings, lot by lot: what was put aside and not taken out is there; each with the terms it was saved with, and
-- never more than that.
WITH moved AS (
    SELECT shard, member_id, wallet, lot, total(CASE to_bucket WHEN 4 THEN amount ELSE -amount END) AS amount
    FROM movements WHERE shard BETWEEN $1 AND $2 AND 4 IN (to_bucket, from_bucket)
    GROUP BY shard, member_id, wallet, lot HAVING total(CASE to_bucket WHEN 4 THEN amount ELSE -amount END) <> 0
), pieces AS (
    SELECT s.shard, s.member_id, s.sequence, s.wallet, (piece ->> 0)::bigint AS lot, total((piece ->> 1)::bigint) AS amount
    FROM savings s, json_array_elements(s.pieces) AS piece
    WHERE s.shard BETWEEN $1 AND $2
    GROUP BY 1, 2, 3, 4, 5
), saved AS (
    SELECT shard, member_id, wallet, lot, total(amount) AS amount FROM pieces GROUP BY shard, member_id, wallet, lot
)
SELECT 'savings_pieces' AS kind, coalesce(m.member_id, p.member_id) AS member_id,
       concat('savings of wallet ', coalesce(m.wallet, p.wallet), ' have ', coalesce(p.amount, 0), ' of lot ',
              coalesce(m.lot, p.lot), '; the movements ', coalesce(m.amount, 0)) AS detail
FROM moved m
FULL JOIN saved p ON p.shard = m.shard AND p.member_id = m.member_id AND p.wallet = m.wallet AND p.lot = m.lot
WHERE m.amount IS DISTINCT FROM p.amount
UNION ALL
SELECT 'savings_remaining', s.member_id,
       concat('savings ', s.member_id, '-', s.sequence, ' say ', s.remaining, ' remain, their pieces ', coalesce(p.amount, 0))
FROM savings s
LEFT JOIN (SELECT shard, member_id, sequence, total(amount) AS amount FROM pieces GROUP BY 1, 2, 3) p
    ON p.shard = s.shard AND p.member_id = s.member_id AND p.sequence = s.sequence
WHERE s.shard BETWEEN $1 AND $2 AND s.remaining IS DISTINCT FROM p.amount
UNION ALL
SELECT 'savings_terms', s.member_id,
       concat('savings ', s.member_id, '-', s.sequence, ' of ', s.remaining, ' expire ', s.expires_at, '; saved were ',
              coalesce(t.trace ->> 'points', 'none'), ' until ', t.trace ->> 'until')
FROM savings s
LEFT JOIN (SELECT * FROM transactions WHERE shard BETWEEN $1 AND $2 AND kind = 16) t
    ON t.shard = s.shard AND t.member_id = s.member_id AND t.sequence = s.sequence
WHERE s.shard BETWEEN $1 AND $2
    AND ((t.trace ->> 'until')::timestamptz IS DISTINCT FROM s.expires_at
         OR (t.trace ->> 'points')::bigint < s.remaining
         OR (t.trace ->> 'wallet')::smallint IS DISTINCT FROM s.wallet)
UNION ALL
SELECT 'savings_terms', s.member_id,
       concat('savings ', s.member_id, '-', s.sequence, ' give lot ', piece ->> 0, ' other terms than it was opened with')
FROM savings s
CROSS JOIN LATERAL json_array_elements(s.pieces) AS piece
JOIN movements m ON m.shard = s.shard AND m.member_id = s.member_id AND m.sequence = ((piece ->> 0)::bigint >> 20)::integer
    AND m.position = ((piece ->> 0)::bigint & 1048575)::integer
WHERE s.shard BETWEEN $1 AND $2 AND m.shard BETWEEN $1 AND $2
    AND ((piece -> 2 ->> 'earned_at')::timestamptz, (piece -> 2 ->> 'effective_at')::timestamptz,
         (piece -> 2 ->> 'expires_at')::timestamptz) IS DISTINCT FROM (m.earned_at, m.effective_at, m.expires_at)

-- name: shards_transactions
-- A member's transactions are numbered 1, 2, 3 ...; what they name exists: their member, the version of the program,
-- and the transaction referred to, which came before.
WITH numbered AS MATERIALIZED (
    SELECT shard, member_id, min(sequence) AS least, max(sequence) AS most, count(*) AS count,
           -- Where there is no gap, every number below one's own exists.
           bool_or(refers_to NOT BETWEEN 1 AND sequence - 1) IS TRUE OR min(sequence) <> 1 OR max(sequence) <> count(*)
               OR bool_or(program_version <> ALL (ARRAY(SELECT version FROM program_versions))) AS is_suspect
    FROM transactions WHERE shard BETWEEN $1 AND $2
    GROUP BY member_id, shard
), suspects AS (
    SELECT n.shard, n.member_id, t.sequence, t.refers_to, t.program_version
    FROM numbered n
    CROSS JOIN LATERAL (
        SELECT sequence, refers_to, program_version FROM transactions t
        WHERE t.shard = n.shard AND t.member_id = n.member_id OFFSET 0
    ) AS t
    WHERE n.is_suspect
)
SELECT 'sequence_gap' AS kind, member_id,
       concat('transactions are numbered ', least, ' to ', most, ', there are ', count) AS detail
FROM numbered
WHERE least <> 1 OR most <> count
UNION ALL
SELECT 'member_missing', n.member_id, 'has transactions and is not a member'
FROM numbered n
WHERE NOT EXISTS (
    SELECT FROM members m WHERE m.shard BETWEEN $1 AND $2 AND m.shard = n.shard AND m.member_id = n.member_id)
UNION ALL
SELECT 'program_version_missing', member_id,
       concat('transaction ', member_id, '-', sequence, ' was decided by version ', program_version,
              ', which does not exist')
FROM suspects
WHERE program_version <> ALL (ARRAY(SELECT version FROM program_versions))
UNION ALL
SELECT 'reference_missing', s.member_id,
       concat('transaction ', s.member_id, '-', s.sequence, ' refers to ', s.member_id, '-', s.refers_to,
              ', which does not exist or came later')
FROM suspects s
WHERE s.refers_to IS NOT NULL AND NOT EXISTS (
    SELECT FROM suspects p WHERE p.shard = s.shard AND p.member_id = s.member_id AND p.sequence = s.refers_to
        AND p.sequence < s.sequence)

-- name: shards_next_changes
-- No account sleeps through the moment at which a lot matures or expires, a hold ends, or savings expire.
SELECT 'next_change_late' AS kind, a.member_id,
       concat('wallet ', a.wallet, ' looks again at ', a.next_change_at, '; something changes at ', min(due.at)) AS detail
FROM accounts a
JOIN (
    SELECT shard, member_id, wallet, CASE WHEN pending THEN effective_at ELSE expires_at END AS at FROM lots
    WHERE shard BETWEEN $1 AND $2
    UNION ALL
    SELECT shard, member_id, wallet, expires_at FROM holds WHERE shard BETWEEN $1 AND $2
    UNION ALL
    SELECT shard, member_id, wallet, expires_at FROM savings WHERE shard BETWEEN $1 AND $2
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
SELECT 'member_shard', m.member_id, concat('lies in shard ', m.shard, ', belongs into ', place.shard)
FROM members m
CROSS JOIN LATERAL (
    SELECT mod(div(m.member_id * 11400714819323198485::numeric, 4294967296::numeric), 2147483648::numeric)::bigint
           % (SELECT shards FROM installation) AS shard
) AS place
WHERE m.shard BETWEEN $1 AND $2 AND m.shard <> place.shard
UNION ALL
-- The status is that of the last step in life, and the same on every account.
SELECT 'member_status', m.member_id, concat('is ', m.status, ', its last step made it ', coalesce(last.status, 'active'))
FROM members m
LEFT JOIN (
    SELECT DISTINCT ON (shard, member_id) shard, member_id, status FROM member_changes
    WHERE shard BETWEEN $1 AND $2 ORDER BY shard, member_id, number DESC
) last ON last.shard = m.shard AND last.member_id = m.member_id
WHERE m.shard BETWEEN $1 AND $2 AND m.status <> coalesce(last.status, 'active')
UNION ALL
SELECT 'member_status', a.member_id, concat('the account of wallet ', a.wallet, ' has the status ', a.status, ', the member is ', m.status)
FROM accounts a JOIN members m ON m.shard = a.shard AND m.member_id = a.member_id
WHERE a.shard BETWEEN $1 AND $2 AND m.shard BETWEEN $1 AND $2
    AND a.status <> array_position(ARRAY['active', 'frozen', 'closed', 'anonymised', 'merged'], m.status) - 1

-- name: shards_wallets
-- What every wallet's buckets have taken in and given out; the caller adds the shards up.
SELECT wallet, from_bucket, to_bucket, sum(amount) AS amount, count(*) AS count
FROM movements WHERE shard BETWEEN $1 AND $2
GROUP BY wallet, from_bucket, to_bucket

-- name: wallets
-- What the accounts of every wallet say, all together.
SELECT wallet, sum(available) AS available, sum(pending) AS pending, sum(held) AS held, sum(debt) AS debt,
       sum(saved) AS saved
FROM accounts GROUP BY wallet

-- name: shards_counters
-- What the counters and uses of caps say of members, against what their transactions say.
WITH spending AS NOT MATERIALIZED (
    SELECT shard, member_id,
           CASE kind WHEN 19 THEN coalesce((trace ->> 'orders')::int, 0)
                     ELSE (kind = 1 AND NOT starts_with(facts::text, '{"event":'))::int END AS orders,
           -- A trace that says what was spent ends with it (but for merges), and reading all of them as JSON is dear.
           CASE WHEN kind = 19 THEN coalesce((trace ->> 'spent')::bigint, 0)
                WHEN ltrim(said, '-0123456789') = '}' THEN rtrim(said, '}')::bigint ELSE 0 END AS spent
    FROM transactions CROSS JOIN LATERAL (SELECT split_part(trace::text, '"spent":', -1) AS said) AS last
    WHERE shard BETWEEN $1 AND $2 AND kind IN (1, 8, 12, 19)
), counted AS NOT MATERIALIZED (
    -- Counters begin [2,57900,"2026-11": as text that is far cheaper than as JSON.
    SELECT shard, member_id, ltrim(split_part(counters::text, ',', 1), '[')::bigint AS orders,
           rtrim(split_part(counters::text, ',', 2), ']')::bigint AS spent
    FROM accounts WHERE shard BETWEEN $1 AND $2 AND wallet = (SELECT min(number) FROM wallets)
), suspects AS MATERIALIZED (
    -- Quickly: what the members of a shard ordered and spent, each weighed by a hash of its own, adds up to the same.
    SELECT shard FROM (
        SELECT shard, sum((spent % 2147483647) * (hashint8extended(member_id, 1) & 2147483647)
                          + orders * (hashint8extended(member_id, 2) & 2147483647)) AS print FROM spending GROUP BY shard
        UNION ALL
        SELECT shard, -sum((spent % 2147483647) * (hashint8extended(member_id, 1) & 2147483647)
                           + orders * (hashint8extended(member_id, 2) & 2147483647)) FROM counted GROUP BY shard
    ) AS prints
    GROUP BY shard HAVING sum(print) % 2147483647 <> 0
), told AS (
    SELECT shard, member_id, sum(spent) AS spent, sum(orders) AS orders FROM spending
    WHERE shard IN (SELECT shard FROM suspects) GROUP BY shard, member_id
), used AS (
    SELECT t.shard, t.member_id, each.key AS name, sum(each.value::bigint) AS used
    FROM transactions t CROSS JOIN LATERAL json_each_text(t.trace -> 'uses') AS each
    -- Where no version of the program ever had a cap, no trace need be looked at.
    WHERE EXISTS (SELECT 1 FROM program_versions
                  WHERE content::text ~ '"(caps|budgets|limits|receiver_limits|draws)":\[\{|"bank":\{|"daily_from_household":')
        AND t.shard BETWEEN $1 AND $2 AND t.kind IN (1, 2, 8, 10, 12, 13, 14, 15, 16, 19, 20) AND strpos(t.trace::text, '"uses":{') > 0
        AND strpos(each.key, '/program/') = 0
    GROUP BY t.shard, t.member_id, each.key
), kept AS (
    -- On the account row or in the table, never in both.
    SELECT shard, member_id, name, sum(used) AS used
    FROM (SELECT shard, member_id, name, used FROM usages WHERE shard BETWEEN $1 AND $2
          UNION ALL
          SELECT shard, member_id, each.key, each.value::bigint FROM accounts CROSS JOIN LATERAL json_each_text(uses) AS each
          WHERE shard BETWEEN $1 AND $2) AS everywhere
    GROUP BY shard, member_id, name
)
SELECT 'counters' AS kind, c.member_id,
       concat('the counters say ', coalesce(c.orders, 0), ' orders and ', coalesce(c.spent, 0), ' spent, the transactions ',
              coalesce(t.orders, 0), ' and ', coalesce(t.spent, 0)) AS detail
FROM (SELECT * FROM counted WHERE shard IN (SELECT shard FROM suspects)) c
LEFT JOIN told t ON c.member_id = t.member_id AND c.shard = t.shard
WHERE coalesce(t.orders, 0) <> coalesce(c.orders, 0) OR coalesce(t.spent, 0) <> coalesce(c.spent, 0)
UNION ALL
SELECT 'cap_usage', coalesce(u.member_id, k.member_id),
       concat('of ', coalesce(u.name, k.name), ' the transactions used ', coalesce(u.used, 0), ', kept is ', coalesce(k.used, 0))
FROM used u FULL JOIN kept k
    ON k.member_id = u.member_id AND k.shard = u.shard AND k.name = u.name
WHERE coalesce(u.used, 0) <> coalesce(k.used, 0)

-- name: shards_marks
-- What other tables say of members is looked for there: accounts bear the mark (1 a profile, 2 tiers, 4 and 8 uses of caps;
-- jifen.engine.marks). With 4 alone, of each cap the row has a later period than the table; and nothing is in both.
WITH marked AS (
    SELECT shard, member_id, bit_or(marks) AS marks FROM accounts WHERE shard BETWEEN $1 AND $2 GROUP BY shard, member_id
), said AS (
    SELECT shard, member_id, 1 AS mark, 'profile' AS what FROM members
    WHERE shard BETWEEN $1 AND $2 AND profile IS NOT NULL
    UNION ALL
    SELECT shard, member_id, 2, concat('place in the tier set ', tier_set) FROM member_tiers WHERE shard BETWEEN $1 AND $2
    UNION ALL
    SELECT shard, member_id, 12, concat('use of ', name) FROM usages WHERE shard BETWEEN $1 AND $2
), cap AS NOT MATERIALIZED (
    SELECT shard, member_id, name, max(name COLLATE "C") FILTER (WHERE is_on_row) OVER of_cap AS newest, is_on_row
    FROM (SELECT shard, member_id, name, false AS is_on_row FROM usages WHERE shard BETWEEN $1 AND $2
          UNION ALL
          SELECT shard, member_id, json_object_keys(uses), true FROM accounts WHERE shard BETWEEN $1 AND $2
         ) AS everywhere
    WINDOW of_cap AS (PARTITION BY shard, member_id, regexp_replace(name, '/\d{4}-\d\d-\d\d$', ''))
)
SELECT 'mark_missing' AS kind, s.member_id, concat('no account says that there is a ', s.what) AS detail
FROM said s JOIN marked m ON m.shard = s.shard AND m.member_id = s.member_id
WHERE m.marks & s.mark = 0
UNION ALL
SELECT 'use_misplaced', c.member_id, concat('what was used of ', c.name, ' is not looked for in the table')
FROM cap c JOIN marked m ON m.shard = c.shard AND m.member_id = c.member_id
WHERE NOT c.is_on_row AND (c.newest = c.name OR m.marks & 8 = 0 AND (c.newest IS NULL OR c.newest < c.name COLLATE "C"))

-- name: shards_tiers
-- Where members stand in tier sets, against the transactions (kind 18) that moved them, and these against each other.
WITH told AS MATERIALIZED (
    SELECT shard, member_id, sequence, change ->> 'tier_set' AS tier_set, change ->> 'was' AS was, change ->> 'tier' AS tier,
           change -> 'standing' AS standing, lag(change ->> 'tier') OVER steps AS tier_before,
           lead(sequence) OVER steps IS NULL AS is_last
    FROM (SELECT *, trace -> 'tier' AS change FROM transactions
          -- Where no version of the program ever had tiers, no transaction need be looked at.
          WHERE EXISTS (SELECT 1 FROM program_versions WHERE content::text ~ '"tier_sets":\[\{')
              AND shard BETWEEN $1 AND $2 AND kind = 18) AS moved
    WINDOW steps AS (PARTITION BY member_id, shard, change ->> 'tier_set' ORDER BY sequence)
), kept AS (
    SELECT * FROM member_tiers WHERE shard BETWEEN $1 AND $2
)
SELECT CASE WHEN k.member_id IS NULL THEN 'tier_missing' WHEN t.member_id IS NULL THEN 'tier_surplus'
            ELSE 'tier_standing' END AS kind,
       coalesce(t.member_id, k.member_id) AS member_id,
       concat('in the tier set ', coalesce(t.tier_set, k.tier_set), ' kept is ',
              coalesce(concat_ws(', ', k.standing, k.tier, k.since, k.came_by, k.valid_until, k.look_at), 'nothing'),
              '; transaction ', t.member_id, '-', t.sequence, ' says ', coalesce(t.standing::text, 'nothing')) AS detail
FROM (SELECT * FROM told WHERE is_last) t
FULL JOIN kept k ON k.member_id = t.member_id AND k.shard = t.shard AND k.tier_set = t.tier_set
WHERE (k.standing::text = t.standing::text AND k.tier = t.standing ->> 'tier'
       AND k.since = (t.standing ->> 'since')::timestamptz AND k.came_by = coalesce(t.standing ->> 'by', 'earned')
       AND k.valid_until IS NOT DISTINCT FROM (t.standing ->> 'valid_until')::timestamptz
       AND k.look_at IS NOT DISTINCT FROM least((t.standing ->> 'review_at')::timestamptz,
                                                (t.standing ->> 'granted_until')::timestamptz)) IS NOT TRUE
UNION ALL
SELECT 'tier_history', member_id,
       concat('transaction ', member_id, '-', sequence, ' says that the tier in ', tier_set, ' was ', was, '; it was ', tier_before)
FROM told WHERE was <> tier_before

-- name: shards_months
-- What is counted month by month, against the transactions: orders (0), money spent (-1), points earned by wallet.
WITH RECURSIVE program AS MATERIALIZED (
    SELECT content ->> 'time_zone' AS zone FROM program_versions ORDER BY version DESC LIMIT 1
), counted AS MATERIALIZED (
    SELECT shard, member_id, counters -> 9 AS months FROM accounts
    WHERE EXISTS (SELECT 1 FROM program_versions WHERE content::text ~ '"tier_sets":\[\{')
        AND shard BETWEEN $1 AND $2 AND wallet = (SELECT min(number) FROM wallets)
        AND json_typeof(counters -> 9) = 'array'
), family AS (
    -- Whoever was merged counts with the survivor.
    SELECT c.shard, c.member_id, g.from_id FROM counted c
    JOIN merges g ON g.shard = c.shard AND g.member_id = c.member_id AND g.undone_at IS NULL
    UNION
    SELECT f.shard, f.member_id, g.from_id FROM family f JOIN merges g ON g.member_id = f.from_id AND g.undone_at IS NULL
), relatives AS MATERIALIZED (
    SELECT f.shard, f.member_id, m.shard AS from_shard, f.from_id FROM family f JOIN members m ON m.member_id = f.from_id
), kept AS NOT MATERIALIZED (
    SELECT c.shard, c.member_id, (each ->> 0)::integer AS month, number.what, number.number
    FROM counted c CROSS JOIN LATERAL json_array_elements(c.months) AS each
    CROSS JOIN LATERAL (
        SELECT 0 AS what, coalesce((each ->> 1)::bigint, 0) AS number
        UNION ALL SELECT -1, coalesce((each ->> 2)::bigint, 0)
        UNION ALL SELECT key::integer, value::bigint FROM json_each_text(coalesce(each -> 3, '{}'))
    ) AS number
), happened AS NOT MATERIALIZED (
    SELECT t.shard, t.member_id, t.kind, t.trace, t.occurred_at,
           (t.facts IS NOT NULL AND NOT starts_with(t.facts::text, '{"event":'))::integer AS orders
    FROM transactions t JOIN counted c ON c.member_id = t.member_id AND c.shard = t.shard
    WHERE t.shard BETWEEN $1 AND $2 AND t.kind = 1
    UNION ALL
    -- What was taken back belongs to the month of what was earned.
    SELECT t.shard, t.member_id, t.kind, t.trace, origin.occurred_at, 0
    FROM transactions t JOIN counted c ON c.member_id = t.member_id AND c.shard = t.shard
    JOIN transactions origin ON origin.member_id = t.member_id AND origin.shard = t.shard
        AND origin.sequence = t.refers_to AND origin.kind = 1 AND origin.shard BETWEEN $1 AND $2
    WHERE t.shard BETWEEN $1 AND $2 AND t.kind IN (8, 12)
    UNION ALL
    SELECT r.shard, r.member_id, t.kind, t.trace, coalesce(origin.occurred_at, t.occurred_at),
           (t.kind = 1 AND t.facts IS NOT NULL AND NOT starts_with(t.facts::text, '{"event":'))::integer
    FROM relatives r
    JOIN transactions t ON t.shard = r.from_shard AND t.member_id = r.from_id AND t.kind IN (1, 8, 12)
    LEFT JOIN transactions origin ON origin.shard = t.shard AND origin.member_id = t.member_id
        AND origin.sequence = t.refers_to AND origin.kind = 1
    WHERE t.kind = 1 OR origin.sequence IS NOT NULL
), told AS NOT MATERIALIZED (
    SELECT h.shard, h.member_id, month, number.what, number.number
    FROM happened h
    CROSS JOIN LATERAL (
        SELECT (extract(year FROM local) * 100 + extract(month FROM local))::integer AS month
        FROM (SELECT h.occurred_at AT TIME ZONE (SELECT zone FROM program) AS local) AS here
    ) AS here
    CROSS JOIN LATERAL (
        SELECT 0 AS what, h.orders::bigint AS number WHERE h.orders <> 0
        UNION ALL SELECT -1, coalesce((h.trace ->> 'spent')::bigint, 0)
        UNION ALL SELECT (each ->> 1)::integer, (each ->> 2)::bigint
                  FROM json_array_elements(coalesce(h.trace -> 'awards', '[]')) AS each WHERE h.kind = 1
        UNION ALL SELECT (each ->> 'wallet')::integer, -(each ->> 'points')::bigint
                  FROM json_array_elements(coalesce(h.trace -> 'taken_back', '[]')) AS each WHERE h.kind <> 1
    ) AS number
), suspects AS MATERIALIZED (
    -- Quickly: both sides, each number weighed by a hash of its member, month and meaning, come to the same by shard.
    SELECT shard FROM (
        SELECT shard, sum((number % 2147483647) * (hashint8extended(member_id, month::bigint * 100 + what) & 2147483647))
                      AS print FROM told GROUP BY shard
        UNION ALL
        SELECT shard, -sum((number % 2147483647) * (hashint8extended(member_id, month::bigint * 100 + what) & 2147483647))
        FROM kept GROUP BY shard
    ) AS prints
    GROUP BY shard HAVING sum(print) % 2147483647 <> 0
)
SELECT 'months' AS kind, member_id,
       concat('of month ', month, ' the counters say ', sum(kept), CASE what WHEN 0 THEN ' orders' WHEN -1 THEN ' spent'
              ELSE concat(' earned in wallet ', what) END, ', the transactions ', sum(told)) AS detail
FROM (
    SELECT member_id, month, what, number AS kept, 0 AS told FROM kept WHERE shard IN (SELECT shard FROM suspects)
    UNION ALL
    SELECT member_id, month, what, 0, number FROM told WHERE shard IN (SELECT shard FROM suspects)
) AS sides
GROUP BY member_id, month, what
HAVING sum(kept) <> sum(told)

-- name: shards_redemptions
-- Every redemption stands as the last transaction about it says. Kinds: 13 asked for, 14 a later step.
WITH told AS (
    SELECT DISTINCT ON (t.member_id, redemption) t.shard, t.member_id, redemption, t.sequence,
           (t.trace -> 'redemption')::text AS content
    FROM transactions t
    CROSS JOIN LATERAL (SELECT CASE t.kind WHEN 13 THEN t.sequence ELSE t.refers_to END AS redemption) AS about
    -- Where no version of the program ever had rewards, no transaction need be looked at.
    WHERE EXISTS (SELECT 1 FROM program_versions WHERE content::text ~ '"rewards":\[\{')
        AND t.shard BETWEEN $1 AND $2 AND t.kind IN (13, 14)
        -- Others of a household who pay for a redemption have such transactions, too, and no redemption.
        AND NOT (t.trace -> 'redemption' IS NULL AND t.trace #> '{dealings,pooled,redemption}' IS NOT NULL)
    ORDER BY t.member_id, redemption, t.sequence DESC
)
SELECT CASE WHEN r.sequence IS NULL THEN 'redemption_missing' WHEN t.redemption IS NULL THEN 'redemption_surplus'
            ELSE 'redemption_state' END AS kind,
       coalesce(t.member_id, r.member_id) AS member_id,
       concat('redemption ', coalesce(t.member_id, r.member_id), '-', coalesce(t.redemption, r.sequence), ' is kept as ',
              coalesce(r.state, 'nothing'), ', its last transaction (', coalesce(t.sequence, 0), ') says ',
              coalesce(t.content::json ->> 'state', 'nothing')) AS detail
FROM told t
FULL JOIN (SELECT * FROM redemptions WHERE shard BETWEEN $1 AND $2) r
    ON r.member_id = t.member_id AND r.shard = t.shard AND r.sequence = t.redemption
WHERE (r.content::text = t.content AND r.last_step = t.sequence AND r.state = r.content ->> 'state'
    AND r.reward = r.content ->> 'reward' AND r.until IS NOT DISTINCT FROM (r.content ->> 'until')::timestamptz) IS NOT TRUE

-- name: stocks
-- Stock: as many pieces are taken as the transactions took, and there are as many as the last change said.
WITH taken AS (
    SELECT each.key AS reward, sum(each.value::bigint) AS pieces
    FROM transactions t CROSS JOIN LATERAL json_each_text(t.trace -> 'taken') AS each
    WHERE EXISTS (SELECT 1 FROM program_versions WHERE content::text ~ '"rewards":\[\{') AND t.kind IN (13, 14)
    GROUP BY each.key
), told AS (
    SELECT DISTINCT ON (shard, reward) shard, reward, number, pieces FROM stock_changes ORDER BY shard, reward, number DESC
)
SELECT 'stock_taken' AS kind, NULL::bigint AS member_id,
       concat('of ', coalesce(t.reward, s.reward), ' redemptions took ', coalesce(t.pieces, 0), ' pieces, kept is ',
              coalesce(s.taken, 0)) AS detail
FROM taken t FULL JOIN stocks s ON s.reward = t.reward
WHERE coalesce(t.pieces, 0) <> coalesce(s.taken, 0)
UNION ALL
SELECT 'stock_pieces', NULL,
       concat('of ', coalesce(c.reward, s.reward), ' the last change says ', coalesce(c.pieces, 0), ' pieces, kept is ',
              coalesce(s.pieces, 0))
FROM told c FULL JOIN stocks s ON s.reward = c.reward AND s.shard = c.shard
WHERE (c.pieces = s.pieces AND c.number = s.changes) IS NOT TRUE

-- name: coupons
-- Every code that a redemption has is found, and every code that is somebody's belongs to a redemption; codes of pools
-- are reserved or given where the redemptions say.
WITH issued AS (
    SELECT r.member_id, r.sequence, each.value ->> 'code' AS code
    FROM redemptions r CROSS JOIN LATERAL json_array_elements(r.content -> 'coupons') AS each
), reserved AS (
    SELECT r.member_id, r.sequence, r.reward, each.value AS code
    FROM redemptions r CROSS JOIN LATERAL json_array_elements_text(r.content -> 'reserved') AS each
    UNION ALL
    SELECT r.member_id, r.sequence, r.reward, each.value ->> 'code'
    FROM redemptions r CROSS JOIN LATERAL json_array_elements(r.content -> 'coupons') AS each
    WHERE r.content ->> 'is_from_pool' = 'true'
)
SELECT CASE WHEN c.code IS NULL THEN 'coupon_missing' WHEN i.code IS NULL THEN 'coupon_surplus' ELSE 'coupon_owner' END AS kind,
       coalesce(i.member_id, c.member_id) AS member_id,
       concat('coupon of redemption ', coalesce(i.member_id, c.member_id), '-', coalesce(i.sequence, c.sequence),
              ' is kept for ', c.member_id, '-', c.sequence) AS detail
FROM issued i
FULL JOIN (SELECT * FROM coupons WHERE member_id IS NOT NULL) c ON c.code = i.code
WHERE (c.member_id = i.member_id AND c.sequence = i.sequence
    AND c.digest = substr(sha256('\x636f75706f6e00'::bytea || convert_to(c.code, 'UTF8')), 1, 16)
    AND c.shard = (get_byte(c.digest, 0) * 256 + get_byte(c.digest, 1)) % (SELECT shards FROM installation)) IS NOT TRUE
UNION ALL
SELECT 'pool_code', coalesce(r.member_id, p.member_id),
       concat('a code of the pool of ', coalesce(r.reward, p.reward), ' is kept for ', p.member_id, '-', p.sequence,
              ', redemptions have it in ', r.member_id, '-', r.sequence)
FROM reserved r
FULL JOIN (SELECT * FROM code_pool WHERE member_id IS NOT NULL) p ON p.reward = r.reward AND p.code = r.code
WHERE (p.member_id = r.member_id AND p.sequence = r.sequence) IS NOT TRUE

-- name: add_ons
-- Every add-on names an order that was recorded; and those that a refund, reversal or correction (8, 12) says to have ended are
-- those of which a step (14) of the same commit says that they did. What cannot be is not looked for: no add-ons in any version.
WITH told AS (
    SELECT (each.value ->> 'member')::bigint AS member_id, (each.value ->> 'sequence')::integer AS redemption, t.recorded_at
    FROM transactions t CROSS JOIN LATERAL json_array_elements(t.trace #> '{dealings,add_ons}') AS each
    WHERE EXISTS (SELECT 1 FROM program_versions WHERE content::text ~ '"kind":"add_on"') AND t.kind IN (8, 12)
        AND (each.value ->> 'is_kept') IS DISTINCT FROM 'true'
), ended AS (
    SELECT member_id, refers_to AS redemption, recorded_at
    FROM transactions
    WHERE EXISTS (SELECT 1 FROM program_versions WHERE content::text ~ '"kind":"add_on"') AND kind = 14
        AND trace #> '{dealings,ended_with}' IS NOT NULL
)
SELECT 'add_on_broken' AS kind, coalesce(t.member_id, e.member_id) AS member_id,
       concat('add-on ', coalesce(t.member_id, e.member_id), '-', coalesce(t.redemption, e.redemption),
              CASE WHEN e.redemption IS NULL THEN ' is told to have ended with its order, and no step says so'
                   ELSE ' ended with its order, which does not say so' END) AS detail
FROM told t
FULL JOIN ended e ON e.member_id = t.member_id AND e.redemption = t.redemption AND e.recorded_at = t.recorded_at
WHERE t.redemption IS NULL OR e.redemption IS NULL
UNION ALL
SELECT 'add_on_broken', r.member_id,
       concat('add-on ', r.member_id, '-', r.sequence, ' names order ', r.content ->> 'order_id', ', and ',
              r.content ->> 'order', ' did not record it')
FROM redemptions r
LEFT JOIN transactions t ON t.kind = 1 AND t.member_id = split_part(r.content ->> 'order', '-', 1)::bigint
    AND t.sequence = split_part(r.content ->> 'order', '-', 2)::integer
WHERE r.content ->> 'order' IS NOT NULL AND (t.facts ->> 'order_id' = r.content ->> 'order_id') IS NOT TRUE

-- name: draws
-- Lotteries: every number of a round was drawn once, by the transaction (kind 20) that says so; and each point follows from
-- the seed of its round, each prize from the point and the odds of its program version. HMAC-SHA256 is worked out with
-- sha256 alone (RFC 2104), as in jifen.core.draws.chance.
WITH told AS MATERIALIZED (
    SELECT member_id, sequence, program_version, drawn ->> 'draw' AS draw, (drawn ->> 'round')::integer AS round,
           (drawn ->> 'number')::integer AS number, (drawn ->> 'total')::bigint AS total, (drawn ->> 'point')::bigint AS point,
           coalesce((drawn ->> 'attempt')::integer, 0) AS attempt, drawn ->> 'hit' AS hit, drawn ->> 'prize' AS prize,
           drawn ->> 'short' IS NOT NULL AS is_short, drawn ->> 'is_pity' IS NOT NULL AS is_pity
    FROM (SELECT *, trace -> 'drawn' AS drawn FROM transactions
          -- Where no version of the program ever had a lottery, no transaction need be looked at.
          WHERE EXISTS (SELECT 1 FROM program_versions WHERE content::text ~ '"draws":\[\{') AND kind = 20) AS drew
), rounds AS MATERIALIZED (
    SELECT r.draw, r.round, r.drawn, pads.inside, pads.outside
    FROM draw_rounds r
    CROSS JOIN LATERAL (
        SELECT string_agg(set_byte('\x00'::bytea, 0, each # 54), ''::bytea ORDER BY i) AS inside,
               string_agg(set_byte('\x00'::bytea, 0, each # 92), ''::bytea ORDER BY i) AS outside
        FROM generate_series(0, 63) AS i
        CROSS JOIN LATERAL (SELECT CASE WHEN i < 32 THEN get_byte(r.seed, i) ELSE 0 END AS each) AS key
    ) AS pads
), odds AS MATERIALIZED (
    SELECT version, draw, prize ->> 'id' AS prize, sum((prize ->> 'weight')::bigint) OVER (PARTITION BY version, draw) AS total,
           sum((prize ->> 'weight')::bigint) OVER earlier AS until, (prize ->> 'weight')::bigint AS weight,
           otherwise, pity
    FROM (
        SELECT v.version, each ->> 'id' AS draw, prize, place, each ->> 'otherwise' AS otherwise, each #>> '{pity,prize}' AS pity
        FROM program_versions v
        CROSS JOIN LATERAL json_array_elements(v.content -> 'draws') AS each
        CROSS JOIN LATERAL json_array_elements(each -> 'prizes') WITH ORDINALITY AS prizes (prize, place)
    ) AS prizes
    WINDOW earlier AS (PARTITION BY version, draw ORDER BY place)
)
SELECT CASE WHEN n.number IS NULL THEN 'draw_missing' WHEN t.number IS NULL THEN 'draw_surplus' ELSE 'draw_owner' END AS kind,
       coalesce(t.member_id, n.member_id) AS member_id,
       concat('number ', coalesce(t.number, n.number), ' of round ', coalesce(t.round, n.round), ' of ', coalesce(t.draw, n.draw),
              ' is kept for ', n.member_id, '-', n.sequence, ', drawn was it by ', t.member_id, '-', t.sequence) AS detail
FROM told t
FULL JOIN drawn_numbers n ON n.draw = t.draw AND n.round = t.round AND n.number = t.number
WHERE (n.member_id = t.member_id AND n.sequence = t.sequence) IS NOT TRUE
UNION ALL
SELECT 'draw_round', NULL, concat('round ', coalesce(r.round, t.round), ' of ', coalesce(r.draw, t.draw), ' was drawn ',
                                  coalesce(r.drawn, 0), ' times; the transactions drew ', coalesce(t.count, 0), ', up to number ', t.most)
FROM rounds r
FULL JOIN (SELECT draw, round, count(*) AS count, max(number) AS most FROM told GROUP BY draw, round) t
    ON t.draw = r.draw AND t.round = r.round
WHERE (r.drawn = coalesce(t.count, 0) AND r.drawn = coalesce(t.most, 0)) IS NOT TRUE
UNION ALL
SELECT 'draw_chance', t.member_id,
       concat('transaction ', t.member_id, '-', t.sequence, ' drew ', t.point, ' of ', t.total, ' and gives ', t.prize,
              '; that does not follow from the seed and the odds')
FROM told t
JOIN rounds r ON r.draw = t.draw AND r.round = t.round
LEFT JOIN odds o ON o.version = t.program_version AND o.draw = t.draw AND o.prize = t.hit
CROSS JOIN LATERAL (
    SELECT bool_and(CASE WHEN tried < t.attempt THEN value >= accepted ELSE value < accepted AND value % t.total = t.point END) AS is_right
    FROM generate_series(0, least(t.attempt, 1000)) AS tried
    CROSS JOIN LATERAL (
        SELECT ('x' || substr(encode(sha256(r.outside || sha256(r.inside || convert_to(t.number || ':' || tried, 'UTF8'))),
                                     'hex'), 1, 13))::bit(52)::bigint AS value,
               4503599627370496 - 4503599627370496 % t.total AS accepted
    ) AS number
) AS chance
WHERE (chance.is_right AND o.total = t.total AND t.point < o.until AND t.point >= o.until - o.weight
       AND t.prize = CASE WHEN t.is_pity THEN o.pity WHEN t.is_short THEN o.otherwise ELSE t.hit END) IS NOT TRUE

-- name: shared_usages
-- What all members together used of caps, against what the transactions say.
WITH used AS (
    SELECT each.key AS name, sum(each.value::bigint) AS used
    FROM transactions t CROSS JOIN LATERAL json_each_text(t.trace -> 'uses') AS each
    WHERE t.kind IN (1, 8, 12, 20) AND EXISTS (SELECT 1 FROM program_versions WHERE content::text ~ '"(caps|budgets|draws)":\[\{') AND strpos(t.trace::text, '"uses":{') > 0
        AND strpos(each.key, '/program/') > 0
    GROUP BY each.key
)
SELECT 'cap_usage' AS kind, NULL::bigint AS member_id,
       concat('of ', coalesce(u.name, k.name), ' the transactions used ', coalesce(u.used, 0), ', kept is ',
              coalesce(k.used, 0)) AS detail
FROM used u FULL JOIN shared_usages k ON k.name = u.name
WHERE coalesce(u.used, 0) <> coalesce(k.used, 0)

-- name: keys
-- Every command has its key, an order, a refund, a quote and a payment also theirs (jifen.engine.submission); every
-- key its transaction.
WITH expected AS NOT MATERIALIZED (
    SELECT member_id, sequence,
           substr(sha256('\x6b657900'::bytea || convert_to(source, 'UTF8') || '\x00'::bytea || convert_to(key_id, 'UTF8')),
                  1, 16) AS digest
    FROM transactions
    -- What time did has no key; of a transfer the sender's side has it.
    WHERE source <> 'jifen:time' AND (kind <> 10 OR (trace ->> 'points')::bigint < 0)
    UNION ALL
    SELECT member_id, sequence, substr(sha256(CASE kind
               WHEN 1 THEN '\x6f726465720000'::bytea || convert_to(order_id, 'UTF8')
               WHEN 12 THEN '\x636f7272656374696f6e0000'::bytea || convert_to(order_id, 'UTF8') || '\x00'::bytea
                    || convert_to(facts ->> 'correction_id', 'UTF8')
               WHEN 13 THEN '\x71756f74650000'::bytea || convert_to(trace -> 'redemption' ->> 'quote', 'UTF8')
               WHEN 8 THEN '\x726566756e640000'::bytea || convert_to(order_id, 'UTF8') || '\x00'::bytea
                    || convert_to(facts ->> 'refund_id', 'UTF8')
               -- Of a step of a redemption, and of a tier.
               ELSE '\x7061796d656e740000'::bytea || convert_to(trace ->> 'reference', 'UTF8') END), 1, 16)
    FROM transactions CROSS JOIN LATERAL (
        -- Facts begin {"order_id":"A-17", and reading all of them as JSON is dear.
        SELECT CASE WHEN starts_with(facts::text, '{"order_id":"') AND strpos(split_part(facts::text, '"', 4), '\') = 0
            THEN split_part(facts::text, '"', 4) ELSE facts ->> 'order_id' END AS order_id
    ) AS fact
    WHERE kind IN (1, 8, 12) AND facts IS NOT NULL AND NOT starts_with(facts::text, '{"event":')
        OR kind = 13 AND trace -> 'redemption' ->> 'quote' IS NOT NULL
        OR kind IN (14, 18) AND trace ->> 'reference' IS NOT NULL
), wanted AS (
    SELECT count(*) AS count, sum(hashbyteaextended(digest, member_id << 31 # sequence)) AS print, 0::bigint AS misplaced
    FROM expected
), there AS (
    SELECT count(*) AS count, sum(hashbyteaextended(digest, member_id << 31 # sequence)) AS print,
           count(*) FILTER (WHERE CASE octet_length(digest)
               WHEN 16 THEN shard <> (get_byte(digest, 0) * 256 + get_byte(digest, 1)) % shards ELSE true END) AS misplaced
    FROM keys, (SELECT shards FROM installation) AS installed
    WHERE sequence > 0 AND NOT repeats
)
SELECT CASE WHEN k.digest IS NULL THEN 'key_missing' WHEN e.digest IS NULL THEN 'key_surplus' ELSE 'key_target' END AS kind,
       coalesce(e.member_id, k.member_id) AS member_id,
       CASE WHEN k.digest IS NULL THEN concat('transaction ', e.member_id, '-', e.sequence, ' has no key ', encode(e.digest, 'hex'))
            WHEN e.digest IS NULL THEN concat('key ', encode(k.digest, 'hex'), ' names transaction ', k.member_id, '-', k.sequence,
                                              ', which does not exist or has another key')
            ELSE concat('key ', encode(k.digest, 'hex'), ' of transaction ', e.member_id, '-', e.sequence, ' names ', k.member_id,
                        '-', k.sequence, ' in shard ', k.shard) END AS detail
FROM expected e
FULL JOIN (SELECT * FROM keys WHERE sequence > 0 AND NOT repeats) k ON k.digest = e.digest
-- The quick look: the keys that must be there and those that are leave the same print. Else each is compared.
WHERE (SELECT wanted IS DISTINCT FROM there FROM wanted, there) AND (
    k.digest IS NULL OR e.digest IS NULL OR k.member_id <> e.member_id OR k.sequence <> e.sequence
    OR k.shard <> (get_byte(k.digest, 0) * 256 + get_byte(k.digest, 1)) % (SELECT shards FROM installation))

-- name: lookups
-- Keys of registrations and identities find a member; keys that only repeated something find what they repeated.
SELECT 'key_surplus' AS kind, k.member_id,
       concat('key ', encode(k.digest, 'hex'), ' repeats transaction ', k.member_id, '-', k.sequence, ', which does not exist') AS detail
FROM keys k
WHERE k.repeats AND NOT EXISTS (
    SELECT FROM transactions t WHERE t.member_id = k.member_id AND t.sequence = k.sequence)
UNION ALL
SELECT 'key_surplus' AS kind, k.member_id, concat('key ', encode(k.digest, 'hex'), ' names a member that does not exist') AS detail
FROM keys k
WHERE k.sequence <= 0 AND NOT EXISTS (SELECT FROM members m WHERE m.member_id = k.member_id)
UNION ALL
SELECT 'key_target', k.member_id, concat('key ', encode(k.digest, 'hex'), ' lies in shard ', k.shard, ', where nobody looks')
FROM keys k, (SELECT shards FROM installation) AS installed
WHERE (k.sequence <= 0 OR k.repeats)
    AND CASE octet_length(k.digest)
        WHEN 16 THEN k.shard <> (get_byte(k.digest, 0) * 256 + get_byte(k.digest, 1)) % installed.shards ELSE true END
UNION ALL
SELECT 'identity_without_member', i.member_id, concat('an identity of the kind ', i.kind, ' finds a member that does not exist')
FROM identities i
WHERE NOT EXISTS (SELECT FROM members m WHERE m.member_id = i.member_id)

-- name: approvals
-- What a second person approved was done, once, and as it was asked for; what nobody approved was not.
WITH done AS (
    SELECT t.member_id, t.sequence, (t.trace -> 'dealings' ->> 'approval')::integer AS approval_id,
           (t.trace ->> 'points')::bigint AS points
    FROM transactions t
    -- Where no version of the program asks for a second person, no trace need be looked at.
    WHERE EXISTS (SELECT FROM program_versions WHERE strpos(content::text, '"adjustments":{') > 0)
        AND t.kind = 9 AND strpos(t.trace::text, '"approval":') > 0
)
SELECT 'approval_state' AS kind, coalesce(a.member_id, d.member_id) AS member_id,
       concat('the request ', coalesce(a.approval_id, d.approval_id), ' is ', coalesce(a.state, 'unknown'),
              CASE WHEN a.sequence IS NOT NULL THEN concat(' by transaction ', a.member_id, '-', a.sequence) END,
              '; done was ', CASE WHEN d.sequence IS NULL THEN 'nothing'
                                  ELSE concat(d.points, ' by ', d.member_id, '-', d.sequence) END) AS detail
FROM (SELECT * FROM approvals WHERE state = 'approved') a
FULL JOIN done d ON d.approval_id = a.approval_id AND d.member_id = a.member_id
WHERE d.sequence IS DISTINCT FROM a.sequence OR d.points IS DISTINCT FROM (a.command ->> 'points')::bigint

-- name: transfers
-- Both sides of a transfer name each other, and what left here arrived there.
WITH transit AS (
    SELECT member_id, sequence, wallet, total(CASE WHEN to_bucket = 15 THEN amount ELSE -amount END) AS amount
    FROM movements WHERE to_bucket = 15 OR from_bucket = 15
    GROUP BY member_id, sequence, wallet
), sides AS (
    -- A merge moves several wallets, or none.
    SELECT t.member_id, t.sequence, t.counterpart_id, t.counterpart_sequence, coalesce(m.wallet, 0) AS wallet,
           CASE t.kind WHEN 19 THEN coalesce(m.amount, 0) ELSE m.amount END AS amount
    FROM transactions t
    LEFT JOIN transit m ON m.member_id = t.member_id AND m.sequence = t.sequence
    WHERE t.kind IN (10, 19) OR t.counterpart_id IS NOT NULL
)
SELECT 'transfer_unpaired' AS kind, here.member_id,
       concat('transfer ', here.member_id, '-', here.sequence, ' sends ', coalesce(here.amount, 0), '; its other side ',
              here.counterpart_id, '-', here.counterpart_sequence, ' ',
              CASE WHEN there.member_id IS NULL THEN 'does not exist or names another'
                   ELSE concat('takes ', -coalesce(there.amount, 0)) END) AS detail
FROM sides here
LEFT JOIN sides there ON there.member_id = here.counterpart_id AND there.sequence = here.counterpart_sequence
    AND there.counterpart_id = here.member_id AND there.counterpart_sequence = here.sequence
    AND there.wallet = here.wallet
WHERE there.member_id IS NULL OR here.amount IS NULL
    OR here.amount <> -there.amount
UNION ALL
SELECT 'transfer_unpaired', m.member_id, concat('transaction ', m.member_id, '-', m.sequence, ' moves points in transit and is no transfer')
FROM transit m
WHERE NOT EXISTS (SELECT FROM sides s WHERE s.member_id = m.member_id AND s.sequence = m.sequence)

-- name: merges
-- Whoever is merged was merged once, into somebody who is there, by a transaction of that one; and nothing finds them.
SELECT 'merge_broken' AS kind, m.member_id, concat('is merged into ', m.merged_into, '; there is ', coalesce(g.count, 0), ' such merge') AS detail
FROM (SELECT member_id, merged_into FROM members WHERE status = 'merged') m
LEFT JOIN (SELECT from_id, member_id, count(*) AS count FROM merges WHERE undone_at IS NULL GROUP BY from_id, member_id) g
    ON g.from_id = m.member_id AND g.member_id = m.merged_into
WHERE coalesce(g.count, 0) <> 1
UNION ALL
SELECT 'merge_broken', g.from_id, concat('was merged by ', g.member_id, '-', g.sequence, ' and is ', coalesce(m.status, 'nobody'))
FROM merges g LEFT JOIN members m ON m.member_id = g.from_id
WHERE g.undone_at IS NULL AND m.status IS DISTINCT FROM 'merged'
UNION ALL
SELECT 'merge_broken', g.member_id, concat('transaction ', g.member_id, '-', g.sequence, ' of a merge does not exist, or is another')
FROM merges g LEFT JOIN transactions t ON t.shard = g.shard AND t.member_id = g.member_id AND t.sequence = g.sequence
WHERE t.kind IS DISTINCT FROM 19 OR t.counterpart_id IS DISTINCT FROM g.from_id
UNION ALL
SELECT 'merge_broken', m.member_id, concat('is merged, and an identity of the kind ', i.kind, ' still finds it')
FROM identities i JOIN members m ON m.member_id = i.member_id WHERE m.status = 'merged'
UNION ALL
SELECT 'merge_broken', m.member_id, concat('is merged, and has points or debt in wallet ', a.wallet)
FROM members m JOIN accounts a ON a.shard = m.shard AND a.member_id = m.member_id
WHERE m.status = 'merged' AND (a.available > 0 OR a.pending > 0 OR a.held > 0 OR a.debt > 0)

-- name: households
-- Whoever is in a household is where the last step says, in one that goes on and has its head; and whoever paid of a
-- common spend and whoever spent name each other.
SELECT 'household_broken' AS kind, m.member_id, concat('is in household ', coalesce(m.household_id::text, 'none'), '; the last step says ',
       coalesce(c.household_id, 'none')) AS detail
FROM members m
FULL JOIN (
    SELECT DISTINCT ON (member_id) member_id, CASE kind WHEN 'household_joined' THEN details ->> 'household_id' END AS household_id
    FROM member_changes WHERE kind IN ('household_joined', 'household_left') ORDER BY member_id, number DESC
) c ON c.member_id = m.member_id
WHERE m.household_id::text IS DISTINCT FROM c.household_id
UNION ALL
SELECT 'household_broken', h.head_id, concat('is the head of household ', h.household_id, ' and not in it, or it has ended')
FROM households h
WHERE (h.ended_at IS NULL) IS DISTINCT FROM EXISTS (
        SELECT FROM members m WHERE m.member_id = h.head_id AND m.household_id = h.household_id)
    OR (h.ended_at IS NOT NULL AND EXISTS (SELECT FROM members m WHERE m.household_id = h.household_id))
UNION ALL
(
    WITH pooled AS MATERIALIZED (
        SELECT shard, member_id, sequence, kind, refers_to, (trace ->> 'points')::bigint AS points,
               coalesce((trace ->> 'withheld')::bigint, 0) AS withheld, trace ->> 'step' AS step,
               trace -> 'dealings' -> 'pooled' AS pooled, trace -> 'redemption' AS redemption
        FROM transactions
        WHERE EXISTS (SELECT FROM households) AND kind IN (2, 13, 14)
            AND (strpos(trace::text, '"pooled":{') > 0 OR strpos(trace::text, '"payers":[[') > 0)
    ), moved AS MATERIALIZED (
        -- What left the member's side, or (a step that released or returned) what came back from there.
        SELECT p.*, (p.pooled ->> 'spender')::bigint AS spender, (p.pooled ->> 'sequence')::integer AS spent,
               CASE p.kind WHEN 14 THEN coalesce(nullif(m.unbound, 0), m.returned) ELSE m.taken END AS amount
        FROM pooled p CROSS JOIN LATERAL (
            SELECT coalesce(total(amount) FILTER (WHERE to_bucket IN (3, 11)), 0) AS taken,
                   coalesce(total(amount) FILTER (WHERE from_bucket = 3), 0) AS unbound,
                   coalesce(total(amount) FILTER (WHERE from_bucket = 11), 0) AS returned
            FROM movements
            WHERE shard = p.shard AND member_id = p.member_id AND sequence = p.sequence
        ) m
    ), parts AS (
        SELECT p.member_id AS spender, p.sequence AS spent, (part ->> 0)::bigint AS member_id,
               (part ->> 1)::integer AS sequence, (part ->> 2)::bigint AS points
        FROM moved p CROSS JOIN LATERAL json_array_elements(p.pooled -> 'parts') AS part
        WHERE p.kind <> 14
    ), sums AS (
        SELECT p.member_id, p.sequence, (p.pooled ->> 'points')::bigint AS points,
               p.amount + coalesce((SELECT sum(parts.points) FROM parts WHERE parts.spender = p.member_id AND parts.spent = p.sequence), 0) AS paid
        FROM moved p WHERE p.spender = p.member_id AND p.spent = p.sequence
    ), paid AS (
        SELECT * FROM moved p WHERE p.kind <> 14 AND p.spender <> p.member_id
    ), steps AS (
        -- Every step that moved the points of whoever asked for the reward moves those of everybody who pays, just once.
        SELECT p.member_id AS spender, p.sequence AS spent, (payer ->> 0)::bigint AS member_id,
               (payer ->> 1)::integer AS refers_to, (payer ->> 2)::bigint AS points, p.step
        FROM pooled p CROSS JOIN LATERAL json_array_elements(p.redemption -> 'payers') AS payer
        WHERE p.kind = 14 AND (p.step IN ('approve', 'reject', 'cancel', 'expire', 'return')
                               OR p.step = 'pay' AND p.redemption ->> 'state' <> 'waiting_for_approval')
    ), followed AS (
        SELECT * FROM moved p WHERE p.kind = 14 AND p.spender <> p.member_id
    )
    SELECT 'pool_broken', coalesce(parts.spender, paid.spender),
           concat('spends with household points of ', coalesce(parts.member_id, paid.member_id), '-', coalesce(parts.sequence, paid.sequence),
                  ', who names ', coalesce(paid.pooled ->> 'spender', 'nobody'), ' or paid something else')
    FROM parts FULL JOIN paid ON paid.member_id = parts.member_id AND paid.sequence = parts.sequence
        AND paid.points = parts.points AND paid.amount = parts.points AND paid.spender = parts.spender
        AND paid.spent = parts.spent
    WHERE parts.member_id IS NULL OR paid.member_id IS NULL
    UNION ALL
    SELECT 'pool_broken', member_id, concat('spend ', member_id, '-', sequence, ' is of ', points, ' points; paid were ', paid)
    FROM sums WHERE points <> paid
    UNION ALL
    SELECT 'pool_broken', coalesce(steps.spender, followed.spender),
           concat('step ', coalesce(steps.spender, followed.spender), '-', coalesce(steps.spent, followed.spent), ' of a redemption and ',
                  coalesce(steps.member_id, followed.member_id), '-', coalesce(followed.sequence::text, '?'), ' of who pays for it do not fit')
    FROM steps FULL JOIN followed ON followed.member_id = steps.member_id AND followed.refers_to = steps.refers_to
        AND followed.spender = steps.spender AND followed.spent = steps.spent AND followed.step = steps.step
        AND followed.amount = steps.points AND followed.points + followed.withheld = steps.points
    WHERE steps.member_id IS NULL OR followed.member_id IS NULL
    UNION ALL
    -- And the redemption names those who paid as its transaction does.
    SELECT 'pool_broken', p.member_id, concat('redemption ', p.member_id, '-', p.sequence, ' names others than paid for it')
    FROM pooled p
    WHERE p.kind = 13 AND p.redemption IS NOT NULL
        AND coalesce(p.redemption ->> 'payers', '[]') <> coalesce(p.pooled ->> 'parts', '[]')
)

-- name: counts
SELECT (SELECT count(*) FROM members) AS members, (SELECT count(*) FROM transactions) AS transactions,
       (SELECT count(*) FROM movements) AS movements, (SELECT count(*) FROM lots) AS lots,
       (SELECT count(*) FROM accounts) AS accounts, (SELECT count(*) FROM keys) AS keys,
       (SELECT count(*) FROM holds) AS holds
