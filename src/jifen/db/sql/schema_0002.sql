-- Rules: what they ask about members, what they use of caps, and how versions of the program come into force.

-- What is said of a member, as rules see it (jifen.core.rules.standing.Profile); null: nothing yet.
ALTER TABLE members ADD COLUMN profile json;

-- What a member's events add up to (jifen.core.rules.standing.Counters), on the member's account of the lowest number:
-- that row is locked, read and changed with every order anyway. Null: nothing yet.
ALTER TABLE accounts ADD COLUMN counters json;

-- What members used of caps. `name`: owner, what is limited, for whom, kind of period, and its first day.
CREATE TABLE usages (
    shard         smallint NOT NULL,
    member_id     bigint NOT NULL,
    name          text NOT NULL,
    used          bigint NOT NULL CHECK (used >= 0),
    PRIMARY KEY (shard, member_id, name)
);

-- What all members together used of budgets. Locked by every batch that may draw on them.
CREATE TABLE shared_usages (
    shard         smallint NOT NULL,       -- of the name
    name          text NOT NULL,
    used          bigint NOT NULL CHECK (used >= 0),
    PRIMARY KEY (shard, name)
);

-- A version holds from `effective_at` on, which may lie in the future, until the next one does.
ALTER TABLE program_versions ADD COLUMN effective_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE program_versions DISABLE TRIGGER program_versions_are_append_only;
UPDATE program_versions SET effective_at = applied_at;
ALTER TABLE program_versions ENABLE TRIGGER program_versions_are_append_only;

-- Programs on their way: written, checked, and published as a version (or not). `base_version`: the version it was made
-- from; it can only be published while that is still the newest.
CREATE TABLE program_drafts (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    base_version      integer NOT NULL,    -- 0: there was none
    source            text NOT NULL,
    created_at        timestamptz NOT NULL,
    created_by        text NOT NULL,
    checked_at        timestamptz,
    report            json,                -- of the check
    published_version integer
);

-- What was decided about findings when a version was published in spite of them.
ALTER TABLE program_versions ADD COLUMN accepted json;
