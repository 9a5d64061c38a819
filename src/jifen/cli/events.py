"""`jifen events send`: what happened in the shop, told from a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from jifen.cli.asking import accepted, refused_where
from jifen.cli.invocation import Invocation, command, run_connected
from jifen.cli.names import names_in
from jifen.cli.operating import fresh_catalog
from jifen.cli.output import write_json, write_table
from jifen.cli.program import AsJson, actor_name
from jifen.cli.usage import BadValue
from jifen.core.refusal import Refusal

if TYPE_CHECKING:
    from jifen.api.bodies import EventResult
    from jifen.api.problems import Language
    from jifen.engine.engine import Engine
    from jifen.engine.submission import Outcome, Submission
    from jifen.services.catalog import Catalog

group = typer.Typer(help="事件：订单、退款、签到等 / Events: orders, refunds, check-ins and the like.")

_STANDARD_INPUT: Final = Path("-")
#: More than any list of a thousand events has.
_MOST_BYTES: Final = 64 * 1024 * 1024


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen events`."""
    app.add_typer(group, name="events")


@command(group, "send")
def send(
    invocation: Invocation,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CloudEvent 的 JSON 文件，一个或列表，- 为标准输入 / A CloudEvent as JSON, or a list; - is stdin.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """记入事件：一个，或最多一千个的列表；重复发送不会重复记账 / Record events; a second time changes nothing."""
    from jifen.api.batches import is_batch
    from jifen.api.bodies import EventResults

    raw = _read(file)
    with invocation.database(may_make=False) as url:
        catalog = run_connected(url, fresh_catalog)
        are_many = is_batch(raw)
        results = (_send_all if are_many else _send_one)(invocation, url, catalog, raw)
        catalog = run_connected(url, fresh_catalog)
    if as_json:
        write_json(EventResults(results) if are_many else results[0])
    else:
        _show(invocation, catalog, results)
    if any(each.status == "refused" for each in results):
        raise typer.Exit(1)


def _read(file: Path) -> bytes:
    try:
        raw = sys.stdin.buffer.read(_MOST_BYTES + 1) if file == _STANDARD_INPUT else _content(file)
    except OSError as error:
        raise BadValue(
            "FILE", f"无法读取 {file}：{error.strerror}", f"{file} cannot be read: {error.strerror}"
        ) from None
    if len(raw) > _MOST_BYTES:
        raise BadValue("FILE", f"{file} 超过 {_MOST_BYTES} 字节", f"{file} has more than {_MOST_BYTES} bytes")
    return raw


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(_MOST_BYTES + 1)


def _send_one(invocation: Invocation, url: str, catalog: Catalog, raw: bytes) -> list[EventResult]:
    """A single event that cannot be recorded is refused as any other command."""
    from jifen.api.answers import event_result
    from jifen.services.events import read_event, submission_of_event

    event = read_event(raw)
    if isinstance(event, Refusal):
        raise refused_where(event)
    submission = submission_of_event(event, actor_name(), catalog.current)
    if isinstance(submission, Refusal):
        raise refused_where(submission)
    (outcome,) = _submitted(invocation, url, [submission])
    return [event_result(run_connected(url, fresh_catalog), submission.key, submission.source, accepted(outcome))]


def _send_all(invocation: Invocation, url: str, catalog: Catalog, raw: bytes) -> list[EventResult]:
    """Those of a list that cannot be recorded are told beside those that were."""
    from jifen.api.answers import event_result
    from jifen.api.batches import read_batch
    from jifen.api.bodies import EventResult

    language: Language = "en" if invocation.say.language == "en" else "zh"
    read = accepted(read_batch(raw, actor_name(), catalog.current, language))
    asked = [each for each in read if not isinstance(each, EventResult)]
    outcomes = iter(_submitted(invocation, url, asked))
    now = run_connected(url, fresh_catalog)
    return [
        each if isinstance(each, EventResult) else event_result(now, each.key, each.source, next(outcomes), language)
        for each in read
    ]


def _submitted(invocation: Invocation, url: str, submissions: list[Submission]) -> list[Outcome]:
    async def work(engine: Engine) -> list[Outcome]:
        return await engine.submit_group(submissions)

    return invocation.run_engine(url, work)


def _show(invocation: Invocation, catalog: Catalog, results: list[EventResult]) -> None:
    say = invocation.say
    write_table(
        [
            say("事件", "event"),
            say("结果", "status"),
            say("流水", "transaction"),
            say("会员", "member"),
            say("积分", "points"),
            say("说明", ""),
        ],
        [
            [
                each.id,
                say(*_STATUSES[each.status]),
                each.transaction_id,
                each.member_id,
                ", ".join(names_in(invocation, catalog).points(award.points, award.wallet) for award in each.awards),
                _particulars(invocation, catalog, each),
            ]
            for each in results
        ],
    )


def _particulars(invocation: Invocation, catalog: Catalog, each: EventResult) -> str:
    """Why it was refused, or what a refund of an order gives back that points paid part of."""
    from msgspec import UNSET

    if each.error is not None:
        return f"{each.error.detail} ({each.error.code})"
    if each.refund is UNSET:
        return ""
    name, cash = (
        names_in(invocation, catalog).wallet(each.refund.wallet),
        names_in(invocation, catalog).money(each.refund.cash_cents),
    )
    return invocation.say(
        f"退还 {each.refund.points:,} {name} 和 {cash}", f"gives back {each.refund.points:,} {name} and {cash}"
    )


_STATUSES: Final = {
    "applied": ("已记入", "recorded"),
    "duplicate": ("此前已记入", "recorded before"),
    "refused": ("被拒绝", "refused"),
}
