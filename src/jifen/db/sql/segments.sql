-- Segments and their lists.

-- name: all_segments
-- By id.
SELECT segment_id, name, kind, condition, created_at, created_by, changed_at, changed_by
FROM segments ORDER BY segment_id

-- name: one_segment
-- $1 id.
SELECT segment_id, name, kind, condition, created_at, created_by, changed_at, changed_by
FROM segments WHERE segment_id = $1

-- name: write_segment
-- $1 id, $2 name, $3 kind, $4 condition, $5 instant, $6 by whom. The id, or nothing where it is taken.
INSERT INTO segments (segment_id, name, kind, condition, created_at, created_by, changed_at, changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $5, $6)
ON CONFLICT DO NOTHING RETURNING segment_id

-- name: change_segment
-- $1 id, $2 name, $3 condition, $4 instant, $5 by whom.
UPDATE segments SET name = $2, condition = $3, changed_at = $4, changed_by = $5 WHERE segment_id = $1

-- name: delete_segment
-- $1 id. The segment and its list, in one statement.
WITH listed AS (DELETE FROM segment_members WHERE segment_id = $1)
DELETE FROM segments WHERE segment_id = $1

-- name: add_members
-- $1 id, $2 shards, $3 member ids, $4 instant, $5 by whom. How many were not on the list yet. Whoever does not exist,
-- and the segment that was deleted meanwhile, gets no row.
WITH added AS (
    INSERT INTO segment_members (shard, member_id, segment_id, added_at, added_by)
    SELECT m.shard, m.member_id, s.segment_id, $4, $5
    FROM unnest($2::smallint[], $3::bigint[]) AS wanted (shard, member_id)
    JOIN members m ON m.shard = wanted.shard AND m.member_id = wanted.member_id
    JOIN segments s ON s.segment_id = $1
    ORDER BY m.shard, m.member_id
    ON CONFLICT DO NOTHING RETURNING 1
)
SELECT count(*) FROM added

-- name: remove_members
-- $1 id, $2 shards, $3 member ids. How many were on the list.
WITH removed AS (
    DELETE FROM segment_members l USING unnest($2::smallint[], $3::bigint[]) AS wanted (shard, member_id)
    WHERE l.shard = wanted.shard AND l.member_id = wanted.member_id AND l.segment_id = $1
    RETURNING 1
)
SELECT count(*) FROM removed

-- name: known_members
-- $1 shards, $2 member ids. Those that exist.
SELECT m.member_id
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
JOIN members m ON m.shard = wanted.shard AND m.member_id = wanted.member_id
