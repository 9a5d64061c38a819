-- Versions of the program.

-- name: newest_version
SELECT version, content, source, applied_at, applied_by FROM program_versions ORDER BY version DESC LIMIT 1

-- name: one_version
-- $1 version.
SELECT version, content, source, applied_at, applied_by FROM program_versions WHERE version = $1

-- name: all_versions
SELECT version, applied_at, applied_by, content FROM program_versions ORDER BY version

-- name: has_members
SELECT EXISTS (SELECT 1 FROM members)

-- name: write_version
-- $1 version, $2 applied_at, $3 applied_by, $4 digest, $5 content, $6 source, $7 ids of new wallets, $8 their numbers.
-- One statement, so the version and its wallets come into being together or not at all.
WITH new_wallets AS (
    INSERT INTO wallets (number, id)
    SELECT number, id FROM unnest($7::text[], $8::smallint[]) AS new (id, number)
)
INSERT INTO program_versions (version, applied_at, applied_by, digest, content, source)
VALUES ($1, $2, $3, $4, $5, $6)
