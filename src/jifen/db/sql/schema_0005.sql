-- Members as people: their life, personal data, verified identities, merges and households.

ALTER TABLE members DROP CONSTRAINT members_status_check;
ALTER TABLE members ADD CONSTRAINT members_status_check
    CHECK (status IN ('active', 'frozen', 'closed', 'anonymised', 'merged'));
ALTER TABLE members ADD COLUMN merged_into bigint;
ALTER TABLE members ADD CONSTRAINT members_merged_check CHECK ((status = 'merged') = (merged_into IS NOT NULL));
-- What is known of a person beside what rules may know (jifen.core.members.person.Person); null: nothing.
ALTER TABLE members ADD COLUMN person json;
-- The household that the member belongs to; null: none.
ALTER TABLE members ADD COLUMN household_id bigint;
CREATE INDEX members_of_household ON members (household_id) WHERE household_id IS NOT NULL;

-- The member's status as a number (jifen.core.ledger.values.MemberStatus), on the rows that a batch locks anyway.
ALTER TABLE accounts ADD COLUMN status smallint NOT NULL DEFAULT 0 CHECK (status BETWEEN 0 AND 4);

ALTER TABLE identities ADD COLUMN added_at timestamptz;          -- null: with the registration
ALTER TABLE identities ADD COLUMN verified_at timestamptz;
ALTER TABLE identities ADD COLUMN verified_by text;

-- What became of members beside their points: each step with who and why. `status`: the member's after it. Holds no
-- personal data, so that it can stay when that goes.
CREATE TABLE member_changes (
    shard         smallint NOT NULL,
    member_id     bigint NOT NULL,
    number        bigint GENERATED ALWAYS AS IDENTITY,
    kind          text NOT NULL,
    status        text NOT NULL,
    recorded_at   timestamptz NOT NULL,
    actor         text NOT NULL,
    reason        text,
    details       json,
    PRIMARY KEY (shard, member_id, number)
);
CREATE TRIGGER member_changes_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON member_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Members who were merged. Named by the survivor's transaction; `moved` is what came beside the points, by what moved
-- it (jifen.engine.moves); it goes with the survivor's personal data.
CREATE TABLE merges (
    shard         smallint NOT NULL,       -- of the survivor
    member_id     bigint NOT NULL,         -- the survivor
    sequence      integer NOT NULL,
    from_id       bigint NOT NULL,
    recorded_at   timestamptz NOT NULL,
    actor         text NOT NULL,
    reason        text,
    moved         json,
    undone_at     timestamptz,
    undone_sequence integer,
    PRIMARY KEY (shard, member_id, sequence)
);
-- A member is merged into one other at a time. (The shard is the survivor's: kept by the lock on both members.)
CREATE INDEX merges_from ON merges (from_id) WHERE undone_at IS NULL;

-- Members who share their points. Few words, so not sharded by member: found by its own number.
CREATE SEQUENCE household_ids AS bigint START 1;
CREATE TABLE households (
    household_id  bigint PRIMARY KEY,
    name          text NOT NULL,
    head_id       bigint NOT NULL,
    made_at       timestamptz NOT NULL,
    ended_at      timestamptz
);
