-- Lotteries: rounds with their seeds, and which number was whose.

-- A round is open until its seed is revealed; nobody draws from it afterwards. The seed never changes: the commitment was
-- published before its first number was drawn. Locked by every batch that draws from it.
CREATE TABLE draw_rounds (
    shard         smallint NOT NULL,       -- of the draw
    draw          text NOT NULL,
    round         integer NOT NULL CHECK (round > 0),      -- 1, 2, 3 ... for each draw
    seed          bytea NOT NULL CHECK (octet_length(seed) = 32),
    commitment    bytea NOT NULL CHECK (commitment = sha256(seed)),
    opened_at     timestamptz NOT NULL,
    opened_by     text NOT NULL,
    drawn         integer NOT NULL DEFAULT 0 CHECK (drawn >= 0),
    revealed_at   timestamptz,
    revealed_by   text,
    CHECK ((revealed_at IS NULL) = (revealed_by IS NULL)),
    PRIMARY KEY (shard, draw, round)
);
CREATE UNIQUE INDEX draw_rounds_open ON draw_rounds (shard, draw) WHERE revealed_at IS NULL;

-- Every number that was drawn: 1, 2, 3 ... within its round, each once, and by which transaction.
CREATE TABLE drawn_numbers (
    shard         smallint NOT NULL,       -- of the draw
    draw          text NOT NULL,
    round         integer NOT NULL,
    number        integer NOT NULL CHECK (number > 0),
    member_shard  smallint NOT NULL,
    member_id     bigint NOT NULL,
    sequence      integer NOT NULL,
    PRIMARY KEY (shard, draw, round, number)
);
CREATE INDEX drawn_numbers_of_member ON drawn_numbers (member_id, sequence);
CREATE TRIGGER drawn_numbers_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON drawn_numbers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
