-- Versions of the program.

-- name: newest_version
SELECT version, content, source, applied_at, applied_by, effective_at FROM program_versions ORDER BY version DESC LIMIT 1

-- name: version_in_force
-- $1 an instant.
SELECT version, content, source, applied_at, applied_by, effective_at FROM program_versions
WHERE effective_at <= $1 ORDER BY version DESC LIMIT 1

-- name: one_version
-- $1 version.
SELECT version, content, source, applied_at, applied_by, effective_at FROM program_versions WHERE version = $1

-- name: all_versions
SELECT version, applied_at, applied_by, content, effective_at FROM program_versions ORDER BY version

-- name: versions_after
-- $1 version.
SELECT version, content FROM program_versions WHERE version > $1 ORDER BY version

-- name: has_members
SELECT EXISTS (SELECT 1 FROM members)

-- name: write_version
-- $1 version, $2 applied_at, $3 applied_by, $4 digest, $5 content, $6 source, $7 ids of new wallets, $8 their numbers,
-- $9 effective_at, $10 accepted, $11 the draft that it was, if it was one.
-- One statement, so the version and its wallets come into being together or not at all, and no draft is published unmarked.
WITH new_wallets AS (
    INSERT INTO wallets (number, id)
    SELECT number, id FROM unnest($7::text[], $8::smallint[]) AS new (id, number)
), published AS (
    UPDATE program_drafts SET published_version = $1 WHERE id = $11::bigint
)
INSERT INTO program_versions (version, applied_at, applied_by, digest, content, source, effective_at, accepted)
VALUES ($1, $2, $3, $4, $5, $6, $9, $10)

-- name: write_draft
-- $1 base version, $2 source, $3 created_at, $4 created_by.
INSERT INTO program_drafts (base_version, source, created_at, created_by) VALUES ($1, $2, $3, $4) RETURNING id

-- name: all_drafts
SELECT id, base_version, created_at, created_by, checked_at, report, published_version, source
FROM program_drafts ORDER BY id DESC LIMIT 200

-- name: one_draft
-- $1 id.
SELECT id, base_version, created_at, created_by, checked_at, report, published_version, source
FROM program_drafts WHERE id = $1

-- name: keep_report
-- $1 id, $2 checked_at, $3 report.
UPDATE program_drafts SET checked_at = $2, report = $3 WHERE id = $1 AND published_version IS NULL

-- name: publish_draft
-- $1 id, $2 version.
UPDATE program_drafts SET published_version = $2 WHERE id = $1 AND published_version IS NULL

-- name: delete_draft
-- $1 id.
DELETE FROM program_drafts WHERE id = $1 AND published_version IS NULL RETURNING id
