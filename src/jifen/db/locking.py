"""Every statement that takes a lock, in one place, so that the order of locks can be seen at a glance.

Order: accounts (by shard, member, wallet), shared uses of caps (by shard, name), stock (by shard, reward), rounds of
draws (by shard, draw), then the rows of identities, coupons and keys, each in sorted order, as they are written. A
batch never locks an account after it has written, so two batches wait for each other only if they claim the same keys
or identities in a different mixture; PostgreSQL then ends one of them, and it is tried again.
"""

from __future__ import annotations

#: $1 shards, $2 member ids; identities: $3 shards, $4 kinds, $5 values. Locks all accounts of these members and
#: returns them, with their places, the position (from 1) of the identity that led there, or null, and the current
#: program version.
#: What is wanted must be materialized: after waiting for a lock PostgreSQL evaluates the row again with the copy it
#: kept of the other side, and of a UNION ALL that was folded into the query it keeps none: the row would be lost.
LOCK_ACCOUNTS = """
WITH wanted AS MATERIALIZED (
    SELECT NULL::bigint AS position, shard, member_id
    FROM unnest($1::smallint[], $2::bigint[]) AS by_id (shard, member_id)
    UNION ALL
    SELECT named.position, i.member_shard, i.member_id
    FROM unnest($3::smallint[], $4::text[], $5::text[]) WITH ORDINALITY AS named (shard, kind, value, position)
    JOIN identities i ON i.shard = named.shard AND i.kind = named.kind AND i.value = named.value
)
SELECT wanted.position, a.ctid AS place, a.member_id, a.wallet, a.available, a.pending, a.held, a.debt, a.last_sequence,
       a.next_change_at, a.counters, a.status, a.saved, a.uses, a.marks,
       (SELECT max(version) FROM program_versions) AS version
FROM wanted
JOIN accounts a ON a.shard = wanted.shard AND a.member_id = wanted.member_id
ORDER BY a.shard, a.member_id, a.wallet
FOR NO KEY UPDATE OF a
"""

#: $1 shards, $2 names. Locks what all members together used of caps.
LOCK_SHARED_USAGES = """
SELECT u.name, u.used
FROM unnest($1::smallint[], $2::text[]) AS wanted (shard, name)
JOIN shared_usages u ON u.shard = wanted.shard AND u.name = wanted.name
ORDER BY u.shard, u.name
FOR NO KEY UPDATE OF u
"""

#: $1 shards, $2 rewards. Locks their stock, and with it the codes of their pools. It may be set meanwhile: whoever
#: sets it locks one row alone, and waits.
LOCK_STOCKS = """
SELECT s.reward, s.pieces, s.taken
FROM unnest($1::smallint[], $2::text[]) AS wanted (shard, reward)
JOIN stocks s ON s.shard = wanted.shard AND s.reward = wanted.reward
ORDER BY s.shard, s.reward
FOR NO KEY UPDATE OF s
"""

#: $1 shards, $2 draws. Locks their open rounds. One that is revealed meanwhile is no longer open.
LOCK_ROUNDS = """
SELECT r.draw, r.round, r.seed, r.drawn
FROM unnest($1::smallint[], $2::text[]) AS wanted (shard, draw)
JOIN draw_rounds r ON r.shard = wanted.shard AND r.draw = wanted.draw AND r.revealed_at IS NULL
ORDER BY r.shard, r.draw
FOR NO KEY UPDATE OF r
"""

#: $1 any number that stands for the thing done: one process at a time, released with the transaction.
LOCK_FOR_ONE = "SELECT pg_advisory_xact_lock($1)"

#: $1 the source of an import. Keeps others from importing of the same source until the session ends, and does not wait;
#: whether it could be had. Taken before anything else, and by imports alone.
CLAIM_SOURCE = "SELECT pg_try_advisory_lock(hashtextextended('import' || $1, 0))"

_RECALCULATION = "hashtextextended('recalculation' || $1::bigint, 0)"
#: $1 the number of a recalculation of tiers. Keeps other processes from its work until it is let go or the session
#: ends, and does not wait; whether it could be had. Taken before anything else, and by recalculations alone.
CLAIM_RECALCULATION = f"SELECT pg_try_advisory_lock({_RECALCULATION})"
#: $1 the number of a recalculation that was claimed.
LET_RECALCULATION_GO = f"SELECT pg_advisory_unlock({_RECALCULATION})"
#: $1 the number of a recalculation. Whether no other session has claimed it; nothing is kept.
IS_RECALCULATION_FREE = f"SELECT pg_try_advisory_xact_lock({_RECALCULATION})"
