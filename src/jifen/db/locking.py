"""Every statement that takes a lock, in one place, so that the order of locks can be seen at a glance.

Order: accounts (by shard, member, wallet), then the unique look-ups (keys, identities, in sorted order).
A batch never locks an account after it has written, so two batches cannot wait for each other.
"""

from __future__ import annotations

#: $1 shards, $2 member ids, both sorted. Locks all accounts of these members and returns them.
LOCK_ACCOUNTS = """
SELECT a.member_id, a.wallet, a.available, a.pending, a.held, a.debt, a.last_sequence, a.next_change_at
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
JOIN accounts a ON a.shard = wanted.shard AND a.member_id = wanted.member_id
ORDER BY a.shard, a.member_id, a.wallet
FOR NO KEY UPDATE OF a
"""

#: $1 any number that stands for the thing done: one process at a time, released with the transaction.
LOCK_FOR_ONE = "SELECT pg_advisory_xact_lock($1)"
