-- Members who may be one person. Nothing here takes a lock. Only who is active or frozen can be merged.

-- name: same_phone
-- $1 so many members at most share one. Phones that end in the same ten digits: with or without the country's code.
SELECT right(digits, 10) AS key, array_agg(DISTINCT member_id ORDER BY member_id) AS members
FROM (
    SELECT i.member_id, regexp_replace(i.value, '[^0-9]', '', 'g') AS digits
    FROM identities i JOIN members m ON m.shard = i.member_shard AND m.member_id = i.member_id
    WHERE i.kind = 'phone' AND m.status IN ('active', 'frozen')
) AS phones
WHERE length(digits) >= 10
GROUP BY 1
HAVING count(DISTINCT member_id) > 1
ORDER BY count(DISTINCT member_id) <= $1, 1

-- name: same_email
-- $1 so many members at most share one. Addresses that lead to the same mailbox: without what follows a plus sign, and
-- at Gmail without dots.
SELECT key, array_agg(DISTINCT member_id ORDER BY member_id) AS members
FROM (
    SELECT member_id,
           CASE WHEN host IN ('gmail.com', 'googlemail.com') THEN replace(box, '.', '') || '@gmail.com'
                ELSE box || '@' || host END AS key
    FROM (
        SELECT i.member_id, split_part(split_part(i.value, '@', 1), '+', 1) AS box, split_part(i.value, '@', 2) AS host
        FROM identities i JOIN members m ON m.shard = i.member_shard AND m.member_id = i.member_id
        WHERE i.kind = 'email' AND m.status IN ('active', 'frozen')
    ) AS parts
    WHERE box <> ''
) AS addresses
GROUP BY 1
HAVING count(DISTINCT member_id) > 1
ORDER BY count(DISTINCT member_id) <= $1, 1

-- name: same_birthday
-- $1 so many members at most share one. People with a name who were born on the same day; the names only where they are
-- to be compared.
SELECT birthday AS key, CASE WHEN count(*) <= $1 THEN array_agg(member_id ORDER BY member_id) END AS members,
       CASE WHEN count(*) <= $1 THEN array_agg(name ORDER BY member_id) END AS names
FROM (
    SELECT member_id, profile ->> 'birthday' AS birthday, person ->> 'name' AS name
    FROM members WHERE status IN ('active', 'frozen') AND profile IS NOT NULL AND person IS NOT NULL
) AS people
WHERE length(birthday) = 10 AND name IS NOT NULL
GROUP BY birthday
HAVING count(*) > 1
ORDER BY count(*) <= $1, 1

-- name: parted
-- Members whose merge was undone: they are two persons.
SELECT DISTINCT least(member_id, from_id) AS one, greatest(member_id, from_id) AS other
FROM merges WHERE undone_at IS NOT NULL

-- name: born_on
-- $1 days. People with a name who were born on one of them.
SELECT member_id, profile ->> 'birthday' AS birthday, person ->> 'name' AS name
FROM members
WHERE status IN ('active', 'frozen') AND profile IS NOT NULL AND person IS NOT NULL
    AND profile ->> 'birthday' = ANY ($1::text[]) AND person ->> 'name' IS NOT NULL
