-- What was issued, by day: for alarms.

-- Transactions are written in the order in which they are recorded, so a few pages tell where a day lies.
CREATE INDEX transactions_recorded ON transactions USING brin (recorded_at) WITH (autosummarize = on);

-- Points issued on days that are over, so that nobody adds them up twice. `day` is local to the program; a day that was
-- counted has a row for each wallet there was. All of it can be worked out again from the movements.
CREATE TABLE issued_days (
    day           date NOT NULL,
    wallet        smallint NOT NULL,
    points        bigint NOT NULL CHECK (points >= 0),
    PRIMARY KEY (day, wallet)
);
