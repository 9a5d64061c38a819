-- Households: members who spend their points together. Whoever changes one has locked the accounts of all its members.

-- name: households_around
-- $1 shards, $2 member ids. The households of these members, with all who are in them.
SELECT h.household_id, h.name, h.head_id, array_agg(m.member_id ORDER BY m.member_id) AS members
FROM households h JOIN members m ON m.household_id = h.household_id
WHERE h.household_id IN (
    SELECT asked.household_id FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
    JOIN members asked ON asked.shard = wanted.shard AND asked.member_id = wanted.member_id
)
GROUP BY h.household_id, h.name, h.head_id

-- name: new_household_id
SELECT nextval('household_ids')

-- name: add_household
-- $1 number, $2 name, $3 head, $4 now.
INSERT INTO households (household_id, name, head_id, made_at) VALUES ($1, $2, $3, $4)

-- name: change_household
-- $1 number, $2 head, $3 when it ended or null.
UPDATE households SET head_id = $2, ended_at = $3 WHERE household_id = $1

-- name: set_household
-- $1 shards, $2 member ids, $3 their household, or null.
UPDATE members m SET household_id = $3 FROM unnest($1::smallint[], $2::bigint[]) AS new (shard, member_id)
WHERE m.shard = new.shard AND m.member_id = new.member_id
