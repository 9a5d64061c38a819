"""The entry of the `jifen` command: its sub-commands, and how whatever goes wrong is told."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, Final

import typer

# Typer carries its own copy of click and exports only some of its exceptions.
from typer._click.exceptions import ClickException

from jifen.cli import (
    approvals,
    backtest,
    database,
    demo,
    drafts,
    draws,
    events,
    households,
    importing,
    keys,
    members,
    orders,
    people,
    persons,
    points,
    program,
    recalculations,
    redemptions,
    rewards,
    rules,
    segments,
    server,
    standings,
    tiers,
    uploads,
)
from jifen.cli.asking import Refused
from jifen.cli.invocation import Invocation, with_common_options
from jifen.cli.texts import Texts, language_of_call
from jifen.cli.usage import usage_told
from jifen.core.errors import JifenError
from jifen.settings import hide_passwords

BAD_INPUT: Final = 2
UNEXPECTED: Final = 1
INTERRUPTED: Final = 130
TERMINATED: Final = 143
BROKEN_PIPE: Final = 141

app = typer.Typer(
    name="jifen",
    help="积分平台：订单进，积分出 / Loyalty points: orders in, exact points out.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from jifen import __version__

        typer.echo(f"jifen {__version__}")
        raise typer.Exit


def _begin(
    _invocation: Invocation,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="显示版本 / Show the version.")
    ] = False,
) -> None:
    """Takes the options that stand before the sub-command."""


app.callback()(with_common_options(_begin))
for _module in (
    server,
    database,
    program,
    drafts,
    rules,
    backtest,
    keys,
    approvals,
    members,
    persons,
    points,
    events,
    households,
    importing,
    orders,
    people,
    demo,
    tiers,
    standings,
    recalculations,
    uploads,
    segments,
    rewards,
    redemptions,
    draws,
):
    _module.register(app)


def run() -> None:
    """Run the command line of this process and exit with its code."""
    ending = _Ending()
    signal.signal(signal.SIGTERM, ending)
    code = main(sys.argv[1:])
    if ending.was_asked and code == INTERRUPTED:
        code = TERMINATED
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _silence(code)
    sys.exit(code)


def main(arguments: Sequence[str]) -> int:
    """Run one command; the exit code. Whatever goes wrong is one line on standard error."""
    try:
        code = app(args=list(arguments) or ["--help"], prog_name="jifen", standalone_mode=False)
    except JifenError as error:
        if "--debug" in arguments:
            _write_traceback()
        return _fail(_said(arguments, _in_chinese(error), error.message), BAD_INPUT)
    except ClickException as error:
        return _fail(_said(arguments, *usage_told(error)), BAD_INPUT)
    except BrokenPipeError:
        return _silence(BROKEN_PIPE)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        return _fail_unexpectedly(error, arguments)
    return code if isinstance(code, int) else 0


class _Ending:
    """SIGTERM does what Ctrl-C does, and what was begun is left in good order. An exception of its own in the middle
    of whatever runs at that moment, say a batch of the engine, would leave it as a fault."""

    def __init__(self) -> None:
        self.was_asked = False

    def __call__(self, _signal: int, frame: FrameType | None) -> None:
        self.was_asked = True
        interrupt = signal.getsignal(signal.SIGINT)
        if not callable(interrupt):
            # A shell that starts something in the background has it ignore Ctrl-C.
            raise SystemExit(TERMINATED)
        interrupt(signal.SIGINT, frame)


def _said(arguments: Sequence[str], zh: str, en: str) -> str:
    """What is wrong in the language of the caller. A Chinese text that quotes the English one stands for both."""
    language = language_of_call(arguments, os.environ)
    return zh if en in zh and language == "both" else Texts(language)(zh, en)


def _in_chinese(error: JifenError) -> str:
    from jifen.services.chinese import chinese_of

    if isinstance(error, Refused):
        place = f"{error.place}：" if error.place else ""
        return f"{place}{chinese_of(error.refusal)} ({error.refusal.code})"
    return chinese_of(error)


def _fail(message: str, code: int) -> int:
    try:
        sys.stderr.write(f"jifen: {' '.join(message.split())}\n")
    except BrokenPipeError:
        return _silence(code)
    return code


def _fail_unexpectedly(error: Exception, arguments: Sequence[str]) -> int:
    if "--debug" in arguments:
        _write_traceback()
    what = f"{type(error).__name__}: {hide_passwords(str(error))}."
    zh, en = f"意外错误：{what}", f"unexpected error: {what}"
    if "--debug" not in arguments:
        zh, en = f"{zh}加上 --debug 再运行一次，可看到出错的位置。", f"{en} Call it again with --debug to see where."
    return _fail(_said(arguments, zh, en), UNEXPECTED)


def _write_traceback() -> None:
    sys.stderr.write(hide_passwords(traceback.format_exc()))


def _silence(code: int) -> int:
    """Nobody reads any more: let the interpreter's own last flush go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    return code
