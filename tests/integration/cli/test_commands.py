"""The commands on one data folder, as a shop owner and as a script would call them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from jifen.db.embedded import EmbeddedAddress, use
from tests.databases import fetch_sql, run_sql
from tests.integration.cli.support import ask, environment, jifen, refused


def test_the_servers_of_tests_do_not_wait_for_the_disk(data: Path, database_server: EmbeddedAddress) -> None:
    """Neither that of the commands nor the one that tests share: nothing of theirs outlives the power."""
    with use(data) as address:
        for url in (address.url, database_server.url):
            assert fetch_sql(url, "SHOW fsync") == [("off",)]
            assert fetch_sql(url, "SHOW synchronous_commit") == [("on",)]


def test_applying_the_same_program_twice_makes_one_version(data: Path, tmp_path: Path) -> None:
    """Also when the file only looks different: what counts is what it says."""
    first = ask("program", "apply", "starter", "--data", data)
    assert first == {"version": 1, "is_new": False}
    file = tmp_path / "program.yaml"
    assert jifen("program", "show", "--data", data).stdout.startswith("# ")
    file.write_text(jifen("program", "show", "--data", data).stdout, "utf-8")
    assert ask("program", "apply", file, "--data", data) == first


def test_a_changed_program_makes_the_next_version_and_the_old_one_stays(data: Path, tmp_path: Path) -> None:
    """Versions are numbered and immutable; `show` gives each of them back as it was written."""
    before = ask("program", "show", "--data", data)
    file = tmp_path / "program.yaml"
    written = jifen("program", "show", "--data", data).stdout.replace("pending_days: 0", "pending_days: 14")
    file.write_text(written, "utf-8")
    applied = ask("program", "apply", file, "--data", data)
    assert applied == {"version": before["version"] + 1, "is_new": True}
    shown = ask("program", "show", "--data", data)
    assert shown["program"]["earning"][0]["pending_days"] == 14
    assert ask("program", "show", "--version", before["version"], "--data", data) == before
    assert [each["version"] for each in ask("program", "list", "--data", data)] == [1, 2]


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("points: 1,", "points: -1,", "line {}: $.earning[0].ratio.points is -1"),
        ("points: 1,", "points: 1.5,", "line {}: $.earning[0].ratio.points is wrong: expected `int`, got `float`"),
        ("currency: CNY", "currency: yuan", "line {}: $.currency is 'yuan'"),
        ("pending_days: 0", "pendingdays: 0", "line {}: $.earning[0].pendingdays is no field of this file"),
        ("basis: order", "basis: {basis: order", "line"),
    ],
)
def test_a_wrong_program_is_told_with_path_and_line(data: Path, tmp_path: Path, good: str, bad: str, said: str) -> None:
    """And the program stays as it was."""
    text = jifen("program", "show", "--data", data).stdout
    file = tmp_path / "program.yaml"
    file.write_text(text.replace(good, bad, 1) if good in text else text.replace("pending_days: 14", bad), "utf-8")
    number = next(
        number for number, line in enumerate(file.read_text("utf-8").splitlines(), 1) if bad.splitlines()[0] in line
    )
    before = ask("program", "list", "--data", data)
    line = refused(["program", "apply", file, "--data", data])
    assert str(file) in line
    assert said.format(number) in line
    assert ask("program", "list", "--data", data) == before


def test_a_key_is_shown_once_and_ends_when_revoked(data: Path) -> None:
    """The secret stands alone on standard output, so that a script can take it."""
    made = jifen("keys", "create", "till 1", "--data", data)
    secret = made.stdout.strip()
    key_id = secret.split("_")[1]
    assert secret.startswith("jf_")
    listed = jifen("keys", "list", "--json", "--data", data).stdout
    assert key_id in listed
    assert secret not in listed
    assert jifen("keys", "revoke", key_id, "--data", data).returncode == 0
    assert next(key for key in ask("keys", "list", "--data", data) if key["id"] == key_id)["revoked_at"]
    assert "There is no valid key" in refused(["keys", "revoke", key_id, "--data", data])


def test_demo_expire_and_verify_agree(data: Path) -> None:
    """The demo shop is the same for the same seed, and the ledger is provable after each step."""
    arguments = ["demo", "--members", "20", "--seed", "7", "--until", datetime.now(UTC).isoformat(), "--data", data]
    first = ask(*arguments)
    assert first["members"] == 20
    assert first["orders"] > 20
    again = ask(*arguments)
    changed = {"duplicates", "seconds"}
    assert {name: value for name, value in again.items() if name not in changed} == {
        name: value for name, value in first.items() if name not in changed
    }
    settled = ask("expire", "--data", data)
    assert settled["failed"] == 0
    assert ask("expire", "--data", data)["members"] == 0
    report = ask("verify", "--data", data)
    assert report["is_clean"] is True
    assert report["counts"]["members"] >= 20


def test_a_backup_comes_back_whole(data: Path, tmp_path: Path) -> None:
    """Backup, restore into a new folder, and the same ledger is there; a second restore there is refused."""
    made = ask("backup", tmp_path / "backup", "--data", data)
    assert made["embedded"] is True
    restored = tmp_path / "restored"
    assert ask("restore", tmp_path / "backup", "--data", restored)["stored_bytes"] > 0
    here, there = ask("verify", "--data", data), ask("verify", "--data", restored)
    assert there["is_clean"] is True
    assert there["counts"] == here["counts"]
    assert "already holds a database" in refused(["restore", tmp_path / "backup", "--data", restored])


def test_the_url_of_a_database_of_yours_works_the_same(bare_database_url: str, tmp_path: Path) -> None:
    """With an address nothing is started and no folder is made."""
    env = environment(JIFEN_DATABASE_URL=bare_database_url, XDG_DATA_HOME=str(tmp_path))
    assert jifen("init", "--program", "demo", env=env).returncode == 0
    assert jifen("verify", env=env).returncode == 0
    assert ask("program", "show", "--url", bare_database_url)["program"]["currency"] == "CNY"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_named_wins_over_an_address_in_the_environment(data: Path) -> None:
    """Whoever writes `--data` means that folder."""
    env = environment(JIFEN_DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert jifen("program", "list", "--data", data, env=env).returncode == 0
    assert jifen("--data", data, "program", "list", env=env).returncode == 0


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "全部相符。"),
        ({"LANG": "en_GB.UTF-8"}, "Everything fits."),
        ({"LANG": "C"}, "全部相符。 / Everything fits."),
        ({"LANG": "zh_CN.UTF-8", "JIFEN_LANGUAGE": "en"}, "Everything fits."),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "Everything fits."),
    ],
)
def test_people_are_told_in_their_language(data: Path, env: dict[str, str], expected: str) -> None:
    """Both languages where none is known."""
    assert jifen("verify", "--data", data, env=environment(**env)).stdout.splitlines()[-1] == expected


def test_importing_a_file_twice_changes_nothing(bare_database_url: str, tmp_path: Path) -> None:
    """An empty database gets the mapping's program, which is said; the second run finds everything there."""
    file = tmp_path / "orders.csv"
    file.write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
        "C536379,85123A,HOLDER,-2,2010-12-02 09:41:00,2.55,17850.0,United Kingdom\n"
        "536370,22728,CLOCK,24,2010-12-01 08:45:00,3.75,,France\n",
        "utf-8",
    )
    arguments = ["import", "orders", file, "--mapping", "online-retail", "--url", bare_database_url]
    assert "There is no program yet" in refused([*arguments, "--dry-run"])
    first = jifen(*arguments, "--json")
    assert "online-retail" in first.stderr
    second = ask(*arguments)
    assert second["orders"] == 1
    assert second["points_issued"] == 0
    assert second["duplicates"] == 2
    assert ask("verify", "--url", bare_database_url)["is_clean"] is True


def test_verify_ends_with_1_when_something_does_not_fit(admin_url: str, database_url: str) -> None:
    """A balance changed behind the ledger's back is found and named."""
    assert jifen("demo", "--members", "3", "--url", database_url).returncode == 0
    run_sql(
        admin_url,
        "UPDATE accounts SET available = available + 1 WHERE debt = 0 AND member_id IN "
        "(SELECT member_id FROM accounts WHERE debt = 0 ORDER BY member_id LIMIT 1)",
    )
    report = ask("verify", "--url", database_url, code=1)
    assert report["is_clean"] is False
    assert report["findings"]
    assert jifen("verify", "--url", database_url).returncode == 1
