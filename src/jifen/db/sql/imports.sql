-- Imports that were asked for over HTTP.

-- name: add_import
-- $1 by whom, $2 kind, $3 name of the file, $4 its bytes, $5 as what it is stored, $6 for how many days, $7 mapping or null.
INSERT INTO imports (uploaded_by, kind, file_name, file_bytes, stored_as, kept_until, mapping, is_proposed)
VALUES ($1, $2, $3, $4, $5, now() + make_interval(days => $6::integer), $7::text, $7::text IS NULL)
RETURNING id

-- name: count_stored
-- So many files lie in the folder of uploads.
SELECT count(*) FROM imports WHERE file_deleted_at IS NULL

-- name: find_import
-- $1 its number, $2 after how many seconds of silence its process is taken for gone.
SELECT *, status IN ('checking', 'running') AND seen_at < now() - make_interval(secs => $2::integer) AS is_lost
FROM imports WHERE id = $1

-- name: list_imports
-- $1 before which number, $2 how many, $3 after how many seconds of silence a process is taken for gone. Newest first.
SELECT *, status IN ('checking', 'running') AND seen_at < now() - make_interval(secs => $3::integer) AS is_lost
FROM imports WHERE id < $1 ORDER BY id DESC LIMIT $2

-- name: give_up_lost
-- $1 after how many seconds of silence a process is taken for gone.
UPDATE imports SET status = 'failed', error_code = 'import_lost', error = $2, ended_at = seen_at
WHERE status IN ('checking', 'running') AND seen_at < now() - make_interval(secs => $1::integer)

-- name: begin_check
-- $1 its number, $2 another mapping, or null. No row: it is at work, or over.
UPDATE imports
SET status = 'checking', attempt = attempt + 1, percent = 0, rows_done = 0, rows_total = 0, report = NULL,
    error_code = NULL, error = NULL, seen_at = now(), ended_at = NULL, mapping = coalesce($2, mapping),
    is_proposed = is_proposed AND $2::text IS NULL
WHERE id = $1 AND status IN ('uploaded', 'checked', 'stopped', 'failed') AND file_deleted_at IS NULL
RETURNING id

-- name: begin_run
-- $1 its number, $2 by whom. No row: it is at work, over, or was not looked through.
UPDATE imports
SET status = 'running', attempt = attempt + 1, percent = 0, rows_done = 0, error_code = NULL, error = NULL,
    seen_at = now(), started_at = now(), started_by = $2, ended_at = NULL
WHERE id = $1 AND status IN ('checked', 'stopped', 'failed') AND report IS NOT NULL AND file_deleted_at IS NULL
RETURNING id

-- name: tell_import
-- $1 its number, $2 attempt, $3 percent, $4 rows done. No row: it was stopped.
UPDATE imports SET percent = $3, rows_done = $4, seen_at = now()
WHERE id = $1 AND attempt = $2 AND status IN ('checking', 'running')
RETURNING id

-- name: keep_mapping
-- $1 its number, $2 attempt, $3 the mapping that was proposed.
UPDATE imports SET mapping = $3 WHERE id = $1 AND attempt = $2 AND status = 'checking'

-- name: end_check
-- $1 its number, $2 attempt, $3 report, $4 rows.
UPDATE imports SET status = 'checked', percent = 100, rows_total = $4, report = $3, seen_at = now()
WHERE id = $1 AND attempt = $2 AND status = 'checking'
RETURNING id

-- name: end_run
-- $1 its number, $2 attempt, $3 result.
UPDATE imports
SET status = 'done', percent = 100, rows_done = rows_total, result = $3, seen_at = now(), ended_at = now(),
    file_deleted_at = now()
WHERE id = $1 AND attempt = $2 AND status = 'running'
RETURNING id

-- name: fail_import
-- $1 its number, $2 attempt, $3 code and $4 text of the error.
UPDATE imports SET status = 'failed', error_code = $3, error = $4, seen_at = now(), ended_at = now()
WHERE id = $1 AND attempt = $2 AND status IN ('checking', 'running')

-- name: stop_import
-- $1 its number.
UPDATE imports SET status = 'stopped', seen_at = now(), ended_at = now()
WHERE id = $1 AND status IN ('checking', 'running')

-- name: note_deleted
-- $1 its number. No row: it is at work.
UPDATE imports SET file_deleted_at = coalesce(file_deleted_at, now())
WHERE id = $1 AND status NOT IN ('checking', 'running')
RETURNING stored_as

-- name: note_outdated
-- Files that nobody imported for as long as they are kept.
UPDATE imports SET file_deleted_at = now()
WHERE file_deleted_at IS NULL AND kept_until < now()
    AND status NOT IN ('checking', 'running')
RETURNING stored_as
