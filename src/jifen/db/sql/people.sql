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
-- $1 shards, $2 member ids. Forget what came with merges of members whose personal data goes.
UPDATE merges g SET moved = NULL
FROM unnest($1::smallint[], $2::bigint[]) AS gone (shard, member_id)
WHERE g.shard = gone.shard AND g.member_id = gone.member_id
