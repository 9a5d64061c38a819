"""`jifen import list` and `jifen import stop`: what was asked for over HTTP."""

from __future__ import annotations

from tests.databases import fetch_sql, run_sql
from tests.integration.cli.support import environment, jifen

RUNNING = """
INSERT INTO imports (uploaded_by, kind, file_name, file_bytes, stored_as, kept_until, is_proposed, status, rows_total)
VALUES ('key:1', 'members', '会员.csv', 12, 'x', 'infinity', true, 'running', 7)
"""


def test_listed_and_stopped(database_url: str) -> None:
    """Whoever has a shell sees what is at work, and can end it."""
    run_sql(database_url, RUNNING)
    env = environment(JIFEN_DATABASE_URL=database_url)
    listed = jifen("import", "list", env=env)
    assert listed.returncode == 0
    assert "running" in listed.stdout and "会员.csv" in listed.stdout
    stopped = jifen("import", "stop", 1, env=env)
    assert (stopped.returncode, "stopped" in stopped.stderr) == (0, True)
    assert fetch_sql(database_url, "SELECT status, ended_at IS NOT NULL FROM imports") == [("stopped", True)]
    unknown = jifen("import", "stop", 2, env=env)
    assert unknown.returncode == 2
    assert "no import 2" in unknown.stderr
