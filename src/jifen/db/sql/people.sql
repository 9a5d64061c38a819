-- Members as people, set-based as everything that a batch does.

-- name: load_persons
-- $1 shards, $2 member ids.
SELECT m.member_id, m.person
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
JOIN members m ON m.shard = wanted.shard AND m.member_id = wanted.member_id

-- name: load_identities
-- $1 member ids. The identities that find them.
SELECT member_id, kind, value, verified_at FROM identities WHERE member_id = ANY ($1::bigint[])
ORDER BY member_id, kind, value

-- name: remove_identities
-- $1 shards, $2 kinds, $3 values, $4 member ids.
DELETE FROM identities i USING unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[])
    AS gone (shard, kind, value, member_id)
WHERE i.shard = gone.shard AND i.kind = gone.kind AND i.value = gone.value AND i.member_id = gone.member_id

-- name: write_identities
-- $1 shards, $2 kinds, $3 values, $4 member ids, $5 member shards, $6 verified_at, $7 verified_by, $8 now. New ones, and
-- those that were verified. An identity of somebody else stays theirs: the insert is refused then.
WITH new AS (
    SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[], $5::smallint[], $6::timestamptz[],
                         $7::text[]) AS new (shard, kind, value, member_id, member_shard, verified_at, verified_by)
), verified AS (
    UPDATE identities i SET verified_at = new.verified_at, verified_by = new.verified_by
    FROM new
    WHERE i.shard = new.shard AND i.kind = new.kind AND i.value = new.value AND i.member_id = new.member_id
    RETURNING i.shard, i.kind, i.value
)
INSERT INTO identities (shard, kind, value, member_id, member_shard, added_at, verified_at, verified_by)
SELECT shard, kind, value, member_id, member_shard, $8, verified_at, verified_by FROM new
WHERE (shard, kind, value) NOT IN (SELECT shard, kind, value FROM verified)
ORDER BY shard, kind, value

-- name: write_persons
-- $1 shards, $2 member ids, $3 persons.
UPDATE members m SET person = new.person
FROM unnest($1::smallint[], $2::bigint[], $3::json[]) AS new (shard, member_id, person)
WHERE m.shard = new.shard AND m.member_id = new.member_id

-- name: write_statuses
-- $1 shards, $2 member ids, $3 status in words, $4 as a number, $5 merged into. After the accounts were changed where
-- they lie, as this moves them.
WITH new AS (
    SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::text[], $4::smallint[], $5::bigint[])
        AS new (shard, member_id, word, status, merged_into)
), of_members AS (
    UPDATE members m SET status = new.word, merged_into = new.merged_into
    FROM new WHERE m.shard = new.shard AND m.member_id = new.member_id
)
UPDATE accounts a SET status = new.status
FROM new WHERE a.shard = new.shard AND a.member_id = new.member_id

-- name: write_changes
-- $1 shards, $2 member ids, $3 kinds, $4 statuses, $5 actors, $6 reasons, $7 details, $8 now.
INSERT INTO member_changes (shard, member_id, kind, status, actor, reason, details, recorded_at)
SELECT new.*, $8 FROM unnest($1::smallint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::json[])
    AS new (shard, member_id, kind, status, actor, reason, details)

-- name: erase_merges
-- $1 shards, $2 member ids. Forget what came with merges of members whose personal data goes, and what is known of
-- those who were merged into them.
WITH RECURSIVE gone AS (
    SELECT member_id FROM unnest($1::smallint[], $2::bigint[]) AS asked (shard, member_id)
    UNION
    SELECT g.from_id FROM gone JOIN merges g ON g.member_id = gone.member_id AND g.undone_at IS NULL
), persons AS (
    UPDATE members m SET person = NULL, profile = NULL FROM gone WHERE m.member_id = gone.member_id AND m.status = 'merged'
)
UPDATE merges g SET moved = NULL FROM gone WHERE g.member_id = gone.member_id

-- name: find_orders
-- $1 shards, $2 digests. The known ones of these orders, and whether their member was merged.
SELECT k.digest, k.member_id, k.sequence,
       EXISTS (SELECT FROM merges g WHERE g.from_id = k.member_id AND g.undone_at IS NULL) AS is_merged
FROM unnest($1::smallint[], $2::bytea[]) AS wanted (shard, digest)
JOIN keys k ON k.shard = wanted.shard AND k.digest = wanted.digest

-- name: find_survivors
-- $1 member ids. Who survived each, and who survived that one, in turn.
WITH RECURSIVE chain AS (
    SELECT g.from_id AS member_id, g.member_id AS survivor, 1 AS step
    FROM merges g WHERE g.from_id = ANY ($1::bigint[]) AND g.undone_at IS NULL
    UNION ALL
    SELECT c.member_id, g.member_id, c.step + 1
    FROM chain c JOIN merges g ON g.from_id = c.survivor AND g.undone_at IS NULL WHERE c.step < 1000
)
SELECT member_id, survivor FROM chain ORDER BY member_id, step

-- name: find_absorbed
-- $1 shards, $2 member ids, $3 sequences: the survivors' transactions.
SELECT g.member_id, g.sequence, g.from_id
FROM unnest($1::smallint[], $2::bigint[], $3::integer[]) AS wanted (shard, member_id, sequence)
JOIN merges g ON g.shard = wanted.shard AND g.member_id = wanted.member_id AND g.sequence = wanted.sequence

-- name: load_notes
-- $1 shard and $2 number of a survivor, $3 the merged member, $4 the kind, $5 only after this sequence.
SELECT trace FROM transactions
WHERE shard = $1 AND member_id = $2 AND counterpart_id = $3 AND kind = $4 AND sequence > $5
ORDER BY sequence

-- name: expired_of_lots
-- $1 shard, $2 member id, $3 lots. Bucket 12: expired; said as a number so that the index is found.
SELECT lot, sum(CASE WHEN to_bucket = 12 THEN amount ELSE -amount END)::bigint AS amount
FROM movements
WHERE shard = $1 AND member_id = $2 AND lot = ANY ($3::bigint[]) AND (to_bucket = 12 OR from_bucket = 12)
GROUP BY lot

-- name: load_people
-- $1 shards, $2 member ids.
SELECT m.member_id, m.profile, m.person, m.household_id
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
JOIN members m ON m.shard = wanted.shard AND m.member_id = wanted.member_id

-- name: write_people
-- $1 shard, $2 member id, $3 profile, $4 person, $5 the mark of members with a profile (jifen.engine.marks). After the
-- accounts were changed where they lie.
WITH marked AS (
    UPDATE accounts SET marks = marks | $5::smallint
    WHERE shard = $1 AND member_id = $2 AND marks & $5::smallint = 0 AND $3::json IS NOT NULL
)
UPDATE members SET profile = $3, person = $4 WHERE shard = $1 AND member_id = $2

-- name: move_identities
-- $1 from, $2 to, $3 the shard of whom they are to find. All identities of a member find the other from now on.
UPDATE identities SET member_id = $2, member_shard = $3 WHERE member_id = $1 RETURNING kind, value

-- name: return_identities
-- $1 from, $2 to, $3 the shard of whom they are to find, $4 kinds, $5 values. As far as they are still there.
UPDATE identities i SET member_id = $2, member_shard = $3
FROM unnest($4::text[], $5::text[]) AS back (kind, value)
WHERE i.member_id = $1 AND i.kind = back.kind AND i.value = back.value

-- name: move_lists
-- $1 shard, $2 from, $3 shard, $4 to. The lists of segments somebody was on, and whether the other was not.
WITH gone AS (
    DELETE FROM segment_members WHERE shard = $1 AND member_id = $2 RETURNING segment_id, added_at, added_by
), gained AS (
    INSERT INTO segment_members (shard, member_id, segment_id, added_at, added_by)
    SELECT $3, $4, segment_id, added_at, added_by FROM gone ON CONFLICT DO NOTHING RETURNING segment_id
)
SELECT segment_id, segment_id IN (SELECT segment_id FROM gained) AS gained FROM gone ORDER BY segment_id

-- name: return_lists
-- $1 shard, $2 from, $3 shard, $4 to, $5 lists, $6 those of them that the former leaves. As far as they are still there.
WITH still AS (
    SELECT segment_id, added_at, added_by FROM segment_members
    WHERE shard = $1 AND member_id = $2 AND segment_id = ANY ($5::text[])
), gone AS (
    DELETE FROM segment_members WHERE shard = $1 AND member_id = $2 AND segment_id = ANY ($6::text[])
)
INSERT INTO segment_members (shard, member_id, segment_id, added_at, added_by)
SELECT $3, $4, segment_id, added_at, added_by FROM still ON CONFLICT DO NOTHING

-- name: add_merge
-- $1 shard, $2 survivor, $3 sequence, $4 from, $5 now, $6 actor, $7 reason, $8 moved.
INSERT INTO merges (shard, member_id, sequence, from_id, recorded_at, actor, reason, moved)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: moved_with_merge
-- $1 shard, $2 survivor, $3 sequence.
SELECT moved FROM merges WHERE shard = $1 AND member_id = $2 AND sequence = $3

-- name: end_merge
-- $1 shard, $2 survivor, $3 sequence, $4 now, $5 the survivor's transaction of the undoing.
UPDATE merges SET undone_at = $4, undone_sequence = $5 WHERE shard = $1 AND member_id = $2 AND sequence = $3
