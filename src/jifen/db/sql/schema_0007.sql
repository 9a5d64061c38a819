-- Segments: sets of members, by a condition (CEL) or by a list.

CREATE TABLE segments (
    segment_id    text PRIMARY KEY,
    name          json NOT NULL,           -- {"zh": ..., "en": ...}
    kind          text NOT NULL CHECK (kind IN ('condition', 'list')),
    condition     text CHECK ((condition IS NOT NULL) = (kind = 'condition')),
    created_at    timestamptz NOT NULL,
    created_by    text NOT NULL,
    changed_at    timestamptz NOT NULL,
    changed_by    text NOT NULL
);

-- Who is on lists. By member first: rules ask for the lists of one member with every event.
CREATE TABLE segment_members (
    shard         smallint NOT NULL,       -- of the member
    member_id     bigint NOT NULL,
    segment_id    text NOT NULL,
    added_at      timestamptz NOT NULL,
    added_by      text NOT NULL,
    PRIMARY KEY (shard, member_id, segment_id)
);
CREATE INDEX segment_members_of_list ON segment_members (segment_id, shard, member_id);

-- Numbers of 64 bits as conditions count with them: null (no answer) where CEL fails. See core/conditions/sql.py.
-- Not STRICT: a strict function with a CASE would not be inlined, and a call costs more than the sum.

CREATE FUNCTION checked_sum(a bigint, b bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN CASE WHEN b >= 0 THEN a <= 9223372036854775807 - b ELSE a >= -9223372036854775808 - b END
                THEN a + b END
$$;

CREATE FUNCTION checked_difference(a bigint, b bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN CASE WHEN b <= 0 THEN a <= 9223372036854775807 + b ELSE a >= -9223372036854775808 + b END
                THEN a - b END
$$;

CREATE FUNCTION checked_product(a bigint, b bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN a::numeric * b BETWEEN -9223372036854775808 AND 9223372036854775807 THEN a * b END
$$;

CREATE FUNCTION checked_quotient(a bigint, b bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN b <> 0 AND NOT (a = -9223372036854775808 AND b = -1) THEN a / b END
$$;

CREATE FUNCTION checked_remainder(a bigint, b bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN b <> 0 AND NOT (a = -9223372036854775808 AND b = -1) THEN a % b END
$$;

-- A field of the operator's own as a fact, from the type and the text of its JSON: what is missing has a default, what
-- is of another type than declared is no answer.

CREATE FUNCTION whole_number(kind text, value text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE kind WHEN 'number' THEN
               CASE WHEN length(value) < 19 THEN value::bigint
                    WHEN value::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 THEN value::bigint END
           WHEN 'boolean' THEN CASE value WHEN 'true' THEN 1 ELSE 0 END -- CEL takes it for a number
           ELSE CASE WHEN kind IS NULL THEN 0 END END
$$;

CREATE FUNCTION plain_text(kind text, value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE kind WHEN 'string' THEN value ELSE CASE WHEN kind IS NULL THEN '' END END
$$;

CREATE FUNCTION truth(kind text, value text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE kind WHEN 'boolean' THEN value::boolean ELSE CASE WHEN kind IS NULL THEN false END END
$$;
