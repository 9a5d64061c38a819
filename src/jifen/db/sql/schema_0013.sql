-- A payment counts for one tier, once: its reference is a key like that of an order. Those that were told before get theirs.

INSERT INTO keys (shard, digest, payload_digest, member_id, sequence)
SELECT (get_byte(digest, 0) * 256 + get_byte(digest, 1)) % installation.shards, digest, substr(sha256(digest), 1, 8), member_id, sequence
FROM (
    SELECT DISTINCT ON (trace ->> 'reference') member_id, sequence,
           substr(sha256('\x7061796d656e740000'::bytea || convert_to(trace ->> 'reference', 'UTF8')), 1, 16) AS digest
    FROM transactions
    WHERE kind = 18 AND trace ->> 'reference' IS NOT NULL
    ORDER BY trace ->> 'reference', recorded_at, member_id, sequence
) AS paid
CROSS JOIN installation
ON CONFLICT DO NOTHING;
