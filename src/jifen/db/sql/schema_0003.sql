-- Backtests that were asked for over HTTP: how far they are, and what they found.

CREATE TABLE backtests (
    id            bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    asked_at      timestamptz NOT NULL DEFAULT now(),
    asked_by      text NOT NULL,
    program       json NOT NULL,           -- the draft, canonical
    since         date,                    -- local days of the program's zone, both included; null: no bound
    until         date,
    status        text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'failed', 'stopped')),
    transactions_read  bigint NOT NULL DEFAULT 0,
    transactions_total bigint NOT NULL DEFAULT 0,
    seen_at       timestamptz NOT NULL DEFAULT now(),  -- when its process last said that it is there
    report        json,
    error_code    text,
    error         text
);
-- A backtest takes all cores: one at a time for an installation.
CREATE UNIQUE INDEX backtests_running ON backtests (status) WHERE status = 'running';
