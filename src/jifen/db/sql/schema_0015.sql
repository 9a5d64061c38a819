-- What a member uses of caps now goes with the account of the lowest number, like the counters: that row is locked, read and
-- changed with every order anyway. The table keeps what is over (jifen.engine.uses). And accounts are marked where other
-- tables say something of their member (jifen.engine.marks: 1 a profile, 2 tiers, 4 uses of earlier periods).

ALTER TABLE accounts ADD COLUMN uses json,
                     ADD COLUMN marks smallint NOT NULL DEFAULT 0;

-- Of each cap the period that began last moves to the row.
CREATE TEMPORARY TABLE moving ON COMMIT DROP AS
SELECT DISTINCT ON (shard, member_id, cap) shard, member_id, name, used
FROM (SELECT *, regexp_replace(name, '/\d{4}-\d\d-\d\d$', '') AS cap FROM usages) AS named
ORDER BY shard, member_id, cap, name DESC;
ALTER TABLE moving ADD PRIMARY KEY (shard, member_id, name);

DELETE FROM usages u USING moving m WHERE m.shard = u.shard AND m.member_id = u.member_id AND m.name = u.name;

UPDATE accounts a
SET uses = known.uses, marks = known.marks
FROM (
    SELECT shard, member_id, uses,
           CASE WHEN profile IS NOT NULL THEN 1 ELSE 0 END
           + CASE WHEN EXISTS (SELECT FROM member_tiers t WHERE t.shard = m.shard AND t.member_id = m.member_id) THEN 2 ELSE 0 END
           + CASE WHEN EXISTS (SELECT FROM usages u WHERE u.shard = m.shard AND u.member_id = m.member_id) THEN 4 ELSE 0 END
           AS marks
    FROM members m
    LEFT JOIN (SELECT shard, member_id, json_object_agg(name, used) AS uses FROM moving GROUP BY shard, member_id) AS moved
        USING (shard, member_id)
) AS known
WHERE (known.uses IS NOT NULL OR known.marks > 0) AND a.shard = known.shard AND a.member_id = known.member_id
    AND a.wallet = (SELECT min(wallet) FROM accounts b WHERE b.shard = a.shard AND b.member_id = a.member_id);
