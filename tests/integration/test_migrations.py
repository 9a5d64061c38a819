"""Migrations: from nothing or from any earlier revision to the same schema, once, whoever else starts meanwhile."""

from __future__ import annotations

import asyncio
import multiprocessing
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import jifen.db.migrations
from jifen.db.embedded import EmbeddedAddress
from jifen.db.migrations import REVISIONS
from jifen.db.migrations.state import DatabaseNewer, ServerTooOld, check_server
from jifen.db.migrations.upgrade import MigrationFailed, upgrade
from jifen.services.database import ShardsFixed, database, prepare
from jifen.settings import Settings
from tests.databases import fetch_sql, fresh_database, run_sql

CATALOG = """
SELECT 'column', c.relname::text, a.attname::text,
       concat_ws(' ', a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                 pg_get_expr(d.adbin, d.adrelid), c.relkind, c.reloptions)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relname !~ '^alembic_version'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conname !~ '^alembic_version'
UNION ALL
SELECT 'index', indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index JOIN pg_class c ON c.oid = indexrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relname !~ '^alembic_version'
UNION ALL
SELECT 'trigger', tgrelid::regclass::text, tgname::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function', proname::text, '', pg_get_functiondef(oid)
FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind <> 'a'
UNION ALL
SELECT 'aggregate', aggfnoid::regprocedure::text, '',
       concat_ws(' ', aggtransfn, aggcombinefn, aggfinalfn, aggtranstype::regtype, agginitval)
FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid WHERE p.pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'view', viewname::text, '', definition FROM pg_views WHERE schemaname = 'public'
UNION ALL
SELECT 'sequence', sequencename::text, '', concat_ws(' ', data_type, start_value, increment_by, cycle)
FROM pg_sequences WHERE schemaname = 'public'
ORDER BY 1, 2, 3, 4
"""


def catalog(url: str) -> list[tuple[str, ...]]:
    """Everything that a schema is made of, as comparable text."""
    return fetch_sql(url, CATALOG)


def test_schema_files_and_migrations_agree(database_server: EmbeddedAddress, empty_database_url: str) -> None:
    """The schema files run one after another make what the migrations make, step by step and in one go."""
    names = sorted(path.name for path in files("jifen.db").joinpath("sql").iterdir() if path.name.startswith("schema_"))
    assert names == [f"schema_{revision}.sql" for revision in REVISIONS]
    for name in names:
        run_sql(empty_database_url, files("jifen.db").joinpath("sql", name).read_text(encoding="utf-8"))
    expected = catalog(empty_database_url)
    assert ("trigger", "movements", "movements_are_append_only") in {row[:3] for row in expected}
    with fresh_database(database_server, "template1") as at_once, fresh_database(database_server, "template1") as steps:
        prepare(at_once)
        assert catalog(at_once) == expected
        for revision in REVISIONS:
            _upgrade(steps, revision)
        prepare(steps)
        assert catalog(steps) == expected


def _upgrade(url: str, to: str) -> None:
    asyncio.run(upgrade(url, to=to, shards=64))


def test_the_list_of_revisions_is_complete() -> None:
    """The list that the quick look uses is what Alembic finds: one line, no branch, nothing forgotten."""
    config = Config()
    config.set_main_option("script_location", str(Path(jifen.db.migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(found)) == REVISIONS


def test_a_second_start_imports_no_migration_machinery(bare_database_url: str) -> None:
    """A database that is up to date costs one look: neither Alembic nor SQLAlchemy is imported."""
    program = (
        "import sys; from jifen.services.database import prepare; prepare(sys.argv[1]); "
        "print(sorted({'alembic', 'sqlalchemy'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, bare_database_url], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_many_first_starts_at_once(empty_database_url: str) -> None:
    """Several processes that find an empty database: one makes the schema, the others wait for it."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=prepare, args=(empty_database_url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert fetch_sql(empty_database_url, "SELECT shards FROM installation") == [(64,)]


def test_a_newer_database_is_left_alone(bare_database_url: str) -> None:
    """Going back to an older jifen must not touch what a newer one made."""
    run_sql(bare_database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseNewer, match="9999"):
        prepare(bare_database_url)


def test_old_servers_are_refused() -> None:
    """16 lacks nothing a user would miss at once: it must be told before something subtle fails."""
    check_server(170_000)
    with pytest.raises(ServerTooOld, match="PostgreSQL 16"):
        check_server(160_009)


def test_a_failed_migration_changes_nothing(empty_database_url: str) -> None:
    """A table of somebody else's in the way: a clear error, and not half a schema."""
    run_sql(empty_database_url, "CREATE TABLE holds (value integer)")
    with pytest.raises(MigrationFailed, match="holds"):
        prepare(empty_database_url)
    tables = fetch_sql(empty_database_url, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
    assert tables == [("holds",)]


def test_shards_are_chosen_once(empty_database_url: str) -> None:
    """The number of shards decides where every row lies: it is kept, and another wish is refused."""
    with pytest.raises(ShardsFixed):
        prepare(empty_database_url, 0)
    prepare(empty_database_url, 8)
    prepare(empty_database_url)
    with pytest.raises(ShardsFixed, match="8 shards"):
        prepare(empty_database_url, 64)
    assert fetch_sql(empty_database_url, "SELECT shards FROM installation") == [(8,)]


def test_a_database_of_yours_is_used(empty_database_url: str) -> None:
    """With a URL in the settings no server is started: that database is brought up to date and yielded."""
    with database(Settings(database_url=empty_database_url)) as url:
        assert url == empty_database_url
        assert fetch_sql(url, "SELECT count(*) FROM members") == [(0,)]


def test_uses_of_caps_move_to_the_accounts(empty_database_url: str) -> None:
    """0015: of each cap the period that began last; what is over stays, and accounts say where else to look."""
    _upgrade(empty_database_url, "0014")
    run_sql(
        empty_database_url,
        "INSERT INTO members (shard, member_id, registered_at, recorded_at, profile) "
        "SELECT 1, each, now(), now(), CASE each WHEN 2 THEN '{}'::json END FROM generate_series(1, 3) AS each",
        "INSERT INTO accounts "
        "(shard, member_id, wallet, last_sequence, available, pending, held, debt, next_change_at) "
        "SELECT 1, member_id, each, 1, 0, 0, 0, 0, '9999-01-01' FROM members CROSS JOIN generate_series(1, 2) AS each",
        "INSERT INTO usages VALUES (1, 1, 'rule:a/points/member/day/2026-01-30', 3), "
        "(1, 1, 'rule:a/points/member/day/2026-02-01', 5), (1, 1, 'rule:a/points/member/lifetime', 8), "
        "(1, 2, 'draw:wheel/misses', 1)",
        "INSERT INTO member_tiers (shard, member_id, tier_set, tier, since, came_by, standing) "
        "VALUES (1, 2, 'club', 'gold', now(), 'earned', '{}')",
    )
    _upgrade(empty_database_url, "0015")
    rows = fetch_sql(
        empty_database_url, "SELECT member_id, wallet, uses::jsonb::text, marks FROM accounts ORDER BY 1, 2"
    )
    kept = '{"rule:a/points/member/lifetime": 8, "rule:a/points/member/day/2026-02-01": 5}'
    assert rows == [
        (1, 1, kept, 4),
        (1, 2, None, 0),
        (2, 1, '{"draw:wheel/misses": 1}', 3),
        (2, 2, None, 0),
        (3, 1, None, 0),
        (3, 2, None, 0),
    ]
    left = fetch_sql(empty_database_url, "SELECT member_id, name, used FROM usages")
    assert left == [(1, "rule:a/points/member/day/2026-01-30", 3)]
