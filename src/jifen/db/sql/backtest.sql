-- What the backtest reads, all within one snapshot and shard by shard.

-- name: transactions
-- Everything that somebody asked for, from one of the sources below, in its order, and the changes of tiers (18). What
-- time does to points by itself (6, 7, 11: holds ended, lots expired and matured) is worked out anew. `opened`
-- says what lots an adjustment (9) or a transfer (10) opened; what others opened follows from the program. Of a merge (19)
-- it names the other side's transaction.
SELECT t.member_id, t.sequence, t.kind, t.program_version, t.refers_to, t.occurred_at, t.recorded_at, t.source, t.facts,
       t.trace,
       CASE WHEN t.kind = 19 THEN json_build_array(t.counterpart_id, t.counterpart_sequence)
            WHEN t.kind IN (9, 10) THEN (
           SELECT json_agg(json_build_array(m.amount, m.earned_at, m.effective_at, m.expires_at) ORDER BY m.position)
           FROM movements m
           WHERE m.shard = t.shard AND m.member_id = t.member_id AND m.sequence = t.sequence AND m.earned_at IS NOT NULL
       ) END AS opened,
       t.history_at
FROM ({source}) AS t
WHERE t.kind NOT IN (6, 7, 11)
ORDER BY {order}

-- name: history
-- When a transaction counts that came as history; NULL: it counts as of when it was recorded. What refers to another one is
-- history only where that is, and never lies before it. Tiers (18) and merges (19) are what somebody decided then.
CASE
    WHEN t.kind IN (18, 19) OR NOT {of_itself} THEN NULL
    WHEN t.refers_to IS NULL THEN t.occurred_at
    ELSE (
        SELECT greatest(t.occurred_at, o.occurred_at) FROM transactions o
        WHERE o.shard = t.shard AND o.member_id = t.member_id AND o.sequence = t.refers_to AND {of_other}
    )
END

-- name: came_as_history
-- Of the transaction called {name}: whether it happened before the program began and was told afterwards, or an import
-- (jifen.services.imports.orders.ACTOR) told it more than {days} days late. What was told before the period is what it was.
(
    (
        ({name}.occurred_at < (SELECT min(effective_at) FROM program_versions)
         AND {name}.recorded_at >= (SELECT min(effective_at) FROM program_versions))
        OR ({name}.actor = 'jifen:import' AND {name}.occurred_at < {name}.recorded_at - make_interval(days => {days}))
    )
    AND {name}.recorded_at >= {since}
)

-- name: of_shard
-- $1 a shard.
SELECT t.*, {history} AS history_at FROM transactions t WHERE t.shard = $1

-- name: of_shard_until
-- $1 a shard, $2 until when. Of each member all up to the last that happened before that: what happened later, but was
-- recorded sooner, belongs to it.
SELECT * FROM (
    SELECT t.*, {history} AS history_at,
           max(sequence) FILTER (WHERE occurred_at < $2) OVER (PARTITION BY shard, member_id) AS last_sequence
    FROM transactions t
    WHERE t.shard = $1
) AS known
WHERE sequence <= last_sequence

-- name: in_order
-- $1 until when. The same of all members. What one batch recorded stands in the order in which it happened, and what
-- belongs to one member never changes its order, but for what came as history.
SELECT *, max(occurred_at) OVER (PARTITION BY shard, member_id, recorded ORDER BY sequence) AS happened,
       coalesce(history_at, recorded) AS decided
FROM (
    SELECT t.*, {history} AS history_at,
           max(recorded_at) OVER (PARTITION BY shard, member_id ORDER BY sequence) AS recorded,
           max(sequence) FILTER (WHERE occurred_at < $1) OVER (PARTITION BY shard, member_id) AS last_sequence
    FROM transactions t
) AS known
WHERE sequence <= last_sequence

-- name: of_family
-- $1 shards and $2 members of a family, $3 until when. The same of these members, all up to what was recorded with the last
-- of it that happened before that.
SELECT *, max(occurred_at) OVER (PARTITION BY shard, member_id, recorded ORDER BY sequence) AS happened,
       coalesce(history_at, recorded) AS decided
FROM (
    SELECT t.*, {history} AS history_at,
           max(t.recorded_at) OVER (PARTITION BY t.shard, t.member_id ORDER BY t.sequence) AS recorded,
           max(t.recorded_at) FILTER (WHERE t.occurred_at < $3) OVER () AS last_recorded_at
    FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
    JOIN transactions t ON t.shard = wanted.shard AND t.member_id = wanted.member_id
) AS known
WHERE recorded_at <= last_recorded_at

-- name: merges
-- Of everybody, undone ones as well: who survived, and who was absorbed.
SELECT DISTINCT member_id, from_id FROM merges

-- name: referred
-- $1 a shard. The transactions that others refer to: what is known of them must be kept.
SELECT DISTINCT member_id, refers_to FROM transactions WHERE shard = $1 AND refers_to IS NOT NULL
UNION
-- What a redemption may give back: the step (14) that spent what it had bound. Every step refers to its redemption; that it
-- is asked for finds the steps by the index of what refers, and not by reading all transactions.
SELECT member_id, sequence FROM transactions
WHERE shard = $1 AND refers_to IS NOT NULL AND kind = 14 AND trace ->> 'step' IN ('pay', 'approve')

-- name: profiles
-- $1 a shard, $2 whether the day of registration matters, $3 the members (NULL: all).
SELECT member_id, registered_at, profile FROM members
WHERE shard = $1 AND ($2 OR profile IS NOT NULL) AND ($3::bigint[] IS NULL OR member_id = ANY ($3))

-- name: flows
-- $1 a shard. All movements by where they went.
SELECT wallet, from_bucket, to_bucket, sum(amount) AS points, false AS is_before
FROM movements WHERE shard = $1
GROUP BY wallet, from_bucket, to_bucket

-- name: flows_of_period
-- $1 a shard, $2 since when, $3 until when. The same up to an instant, with what happened before another one apart.
SELECT m.wallet, m.from_bucket, m.to_bucket, sum(m.amount) AS points, t.occurred_at < $2 AS is_before
FROM movements m
JOIN transactions t ON t.shard = m.shard AND t.member_id = m.member_id AND t.sequence = m.sequence
WHERE m.shard = $1 AND t.occurred_at < $3
GROUP BY m.wallet, m.from_bucket, m.to_bucket, t.occurred_at < $2

-- name: due
-- $1 a shard, $2 an instant, $3 the tier sets of the program. The accounts of members for whom time has done something
-- that nobody has booked yet.
SELECT a.member_id, a.wallet, a.available, a.pending, a.held, a.debt, a.last_sequence, a.next_change_at,
       a.saved, a.counters
FROM accounts a
WHERE a.shard = $1 AND a.member_id IN (
    SELECT member_id FROM accounts WHERE shard = $1 AND next_change_at <= $2
    UNION ALL
    SELECT member_id FROM member_tiers WHERE shard = $1 AND look_at <= $2 AND tier_set = ANY ($3::text[])
)
ORDER BY a.member_id, a.wallet

-- name: give_up_lost
-- $1 seconds. Backtests whose process has not been heard of for so long are over.
UPDATE backtests SET status = 'failed', error_code = 'backtest_lost',
                     error = '执行它的进程已不在；请重新发起。 / The process that ran it is gone; ask for it again.'
WHERE status = 'running' AND seen_at < now() - make_interval(secs => $1)

-- name: forget_old
-- $1 how many are kept.
DELETE FROM backtests WHERE status <> 'running' AND id <= (SELECT max(id) FROM backtests) - $1

-- name: add_backtest
-- $1 who asks, $2 the draft, $3 since, $4 until.
INSERT INTO backtests (asked_by, program, since, until) VALUES ($1, $2, $3, $4) RETURNING id

-- name: find_backtest
-- $1 id, $2 seconds after which a process that is not heard of is gone.
SELECT id, asked_at, asked_by, since, until, program, transactions_read, transactions_total, report, error_code, error,
       status, status = 'running' AND seen_at < now() - make_interval(secs => $2) AS is_lost
FROM backtests WHERE id = $1

-- name: tell_progress
-- $1 id, $2 transactions read, $3 in all. No row: it was stopped.
UPDATE backtests SET transactions_read = $2, transactions_total = $3, seen_at = now()
WHERE id = $1 AND status = 'running' RETURNING id

-- name: end_backtest
-- $1 id, $2 status, $3 report, $4 code of an error, $5 its message. No row: it was over already.
UPDATE backtests SET status = $2, report = $3, error_code = $4, error = $5, seen_at = now()
WHERE id = $1 AND status = 'running' RETURNING id
