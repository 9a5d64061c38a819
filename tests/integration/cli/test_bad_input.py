"""Every command with input it cannot take: one line that says what and how to mend it, exit code 2, no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.cli.support import environment, jifen, refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command"),
        (["program"], "Missing command"),
        (["verify", "--nonsense"], "No such option"),
        (["program", "apply"], "Missing argument"),
        (["program", "apply", "no-such-file.yaml"], "name a file, or one of demo, online-retail, starter"),
        (["program", "show", "--version", "many"], "valid integer"),
        (["keys", "create"], "Missing argument"),
        (["init", "--program", "no-such-file.yaml"], "no program file"),
        (["init", "--shards", "many"], "valid integer"),
        (["serve", "--port", "99999"], "Option --port is '99999'"),
        (["serve", "--workers", "0"], "Option --workers is '0'"),
        (["serve", "--lang", "fr"], "Option --lang is 'fr'"),
        (["demo", "--until", "yesterday"], "--until is 'yesterday'"),
        (["expire", "--at", "2026-01-01T00:00:00"], "with its offset"),
        (["expire", "--at", "9998-01-01T00:00:00Z"], "lies in the future"),
        (["expire", "--at", "0001-01-01T00:00:00+23:00"], "with its offset"),
        (["import", "orders", "no-such-file.csv", "--mapping", "orders"], "there is no such file"),
        (["import", "orders", ".", "--mapping", "orders"], "it is a folder"),
        (["import", "orders", "no-such-file.csv", "--mapping", "no-such-mapping"], "no-such-mapping"),
        (["import", "orders", "no-such-file.csv"], "name a mapping with --mapping FILE"),
        (["backup"], "Missing argument"),
        (["verify", "--url", "mysql://nobody@nowhere/nothing"], "Option --url expected postgresql://"),
        (["verify", "--url", "postgresql://nobody:geheim@127.0.0.1:1/nothing"], "cannot be reached"),
        (["restore", "backup", "--url", "postgresql://nobody@127.0.0.1:1/nothing"], "--data instead of --url"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(arguments: list[str], said: str) -> None:
    """No database is started for any of them."""
    line = refused(arguments)
    assert said in line
    assert "geheim" not in line


@pytest.mark.parametrize(
    "arguments",
    [["verify"], ["expire"], ["program", "show"], ["program", "list"], ["keys", "list"], ["backup", "target"]],
)
def test_a_mistyped_folder_is_not_filled_with_a_new_database(arguments: list[str], tmp_path: Path) -> None:
    """A fresh, empty database would look clean to `verify` and safe to `backup`."""
    folder = tmp_path / "mistyped"
    assert "There is no database in" in refused([*arguments, "--data", folder])
    assert not folder.exists()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """Nothing is written where other things lie."""
    (tmp_path / "letter.txt").write_text("dear")
    assert "was left untouched" in refused(["init", "--data", tmp_path])
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_what_the_database_does_not_have_is_refused(data: Path) -> None:
    """Versions, keys, shards, backups that are not there."""
    assert "There is no version 99" in refused(["program", "show", "--version", "99", "--data", data])
    assert "There is no version 0" in refused(["program", "show", "--version", "0", "--data", data])
    assert "There is no valid key" in refused(["keys", "revoke", "nobody", "--data", data])
    assert "1 to 256 characters" in refused(["keys", "create", " ", "--data", data])
    assert "64 shards and cannot be given 8" in refused(["init", "--shards", "8", "--data", data])
    assert "demo shop has 1 to" in refused(["demo", "--members", "0", "--data", data])
    assert "nowhere" in refused(["restore", "nowhere", "--data", data])
    assert "exists already" in refused(["backup", data, "--data", data])


def test_an_unknown_variable_is_refused() -> None:
    """A mistyped setting must not be passed over in silence."""
    assert "did you mean JIFEN_DATA?" in refused(["verify"], env=environment(JIFEN_DATAA="here"))


def test_debug_shows_where_an_error_came_from(tmp_path: Path) -> None:
    """Only on request: people are told one line, whoever looks for a fault gets the traceback."""
    done = jifen("verify", "--data", tmp_path / "none", "--debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("jifen: ")
    assert "There is no database" in done.stderr.splitlines()[-1]


def test_a_reader_that_goes_away_is_no_error() -> None:
    """`jifen --help | head -1` ends quietly."""
    with subprocess.Popen(
        [sys.executable, "-m", "jifen", "--help"],
        env=environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "没有命令 nonsense"),
        (["expire", "--at", "9998-01-01T00:00:00Z"], "--at 不是可用的时间"),
        (["keys", "revoke", "nobody"], "没有 id 为 nobody 的有效密钥"),
        (["members", "show", "phone:13800000009"], "没有这位会员；请检查会员号或身份标识。 (unknown_member)"),
        (["redemptions", "show", "nothing"], "没有这张兑换单；请检查编号。 (unknown_redemption)"),
    ],
)
def test_what_is_wrong_is_told_in_chinese(arguments: list[str], said: str, data: Path) -> None:
    """In Chinese alone where it is asked for; in both languages where neither is."""
    line = refused([*arguments, "--data", data, "--lang", "zh"])
    assert said in line
    assert refused([*arguments, "--data", data], env=environment(LANG="zh_CN.UTF-8")) == line
    assert said in refused([*arguments, "--data", data])
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in refused([*arguments, "--data", data, "--lang", "en"]))
