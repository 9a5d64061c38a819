"""What happens when it is nobody's input: faults of jifen's own, and the person at the keyboard."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from jifen.cli.main import main
from jifen.services import programs
from tests.integration.cli.support import ask, ended


def failing_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `jifen program apply` meet this error."""

    def fail(_name: str) -> str:
        raise error

    monkeypatch.setattr(programs, "read_program_text", fail)


def test_a_fault_of_ours_is_one_line_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, no traceback unless asked for, and no password either way."""
    failing_with(RuntimeError("lost postgresql://shop:geheim@db/shop\nsomewhere"), monkeypatch)
    assert main(["program", "apply", "starter", "--lang", "zh"]) == 1
    assert capsys.readouterr().err == (
        "jifen: 意外错误：RuntimeError: lost postgresql://shop:[hidden]@db/shop somewhere."
        "加上 --debug 再运行一次，可看到出错的位置。\n"
    )
    assert main(["program", "apply", "starter", "--lang", "en"]) == 1
    said = capsys.readouterr().err
    assert said == (
        "jifen: unexpected error: RuntimeError: lost postgresql://shop:[hidden]@db/shop somewhere. "
        "Call it again with --debug to see where.\n"
    )
    assert main(["program", "apply", "starter", "--debug"]) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "geheim" not in said


def test_ctrl_c_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever interrupts a command knows why it ended."""
    failing_with(KeyboardInterrupt(), monkeypatch)
    assert main(["program", "apply", "starter"]) == 130
    assert capsys.readouterr().err == ""


def test_without_arguments_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """As it is with --help, with every command in it."""
    assert main([]) == 0
    said = capsys.readouterr().out
    for name in (
        "serve",
        "init",
        "demo",
        "import",
        "expire",
        "verify",
        "backup",
        "restore",
        "bench",
        "program",
        "keys",
    ):
        assert f" {name} " in said


@pytest.mark.parametrize(
    ("number", "in_background", "code"),
    [
        (signal.SIGTERM, False, 143),
        (signal.SIGINT, False, 130),
        (signal.SIGTERM, True, 143),
        # What runs in the background does not hear Ctrl-C.
        (signal.SIGINT, True, 0),
    ],
)
def test_what_is_ended_in_the_middle_of_a_batch_says_nothing(
    bare_database_url: str, tmp_path: Path, number: signal.Signals, in_background: bool, code: int
) -> None:
    """The batch is finished, nothing is told as a fault, and the same import again goes on."""
    ask("init", "--program", "starter", "--url", bare_database_url)
    file = tmp_path / "orders.csv"
    header = "order_id,occurred_at,identity,line_id,sku,quantity,paid\n"
    rows = "".join(f"{n},2026-01-05 10:00,phone:{13800000000 + n},a,TEA,1,20.00\n" for n in range(20))
    file.write_text(header + rows, "utf-8")
    command = ("import", "orders", file, "--mapping", "orders")
    ends, told = ended(number, *command, url=bare_database_url, in_background=in_background)
    assert (ends, told) == (code, "")
    assert ask(*command, "--url", bare_database_url)["orders"] == 20
    assert ask("verify", "--url", bare_database_url)["is_clean"]
