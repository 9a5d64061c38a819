"""What the check of a program came to, as the command line shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from jifen.cli.invocation import Invocation
from jifen.cli.output import write_line, write_note
from jifen.core.counted import counted

if TYPE_CHECKING:
    from jifen.analytics.proofs import CheckReport, Counterexample


def show_report(invocation: Invocation, name: str, report: CheckReport) -> None:
    """Findings with what shows them, what could not be proven, and the highest rate. `name`: of what was checked."""
    say = invocation.say
    for finding in report.findings:
        write_line(f"{finding.kind}: {say(finding.message_zh, finding.message_en)}")
        if finding.counterexample is not None:
            _show_example(invocation, finding.counterexample)
    for line in _not_proven(invocation, report):
        write_line(line)
    if report.highest_reward_percent is not None:
        percent = report.highest_reward_percent
        write_line(
            say(
                f"任何订单的回馈都不超过 {percent}%（上界，向上取整）。",
                f"No order gives back more than {percent} % (a bound, rounded up).",
            )
        )
    if report.highest_reward_found is not None:
        percent = report.highest_reward_found.percent
        write_line(
            say(
                f"找到的回馈最高的订单达到 {percent}%（向下取整）：",
                f"Of the orders that were found, this one gives back most, {percent} % (rounded down):",
            )
        )
        _show_example(invocation, report.highest_reward_found.example)
    found = len(report.findings)
    write_line(say(f"{name}：{found} 个问题。", f"{name}: {counted(found, 'findings')}."))


def note_not_proven(invocation: Invocation, report: dict[str, Any]) -> None:
    """Say beside the result what could not be proven of a program that is in force from now on."""
    for line in _not_proven(invocation, read_report(report)):
        write_note(line)


def read_report(report: dict[str, Any]) -> CheckReport:
    """A report as it is kept with a draft."""
    # The package of proofs brings the solver along.
    from jifen.analytics.proofs import CheckReport

    return msgspec.convert(report, CheckReport)


def _not_proven(invocation: Invocation, report: CheckReport) -> list[str]:
    say = invocation.say
    return [
        say(f"未能证明 {each.rule}：{each.why_zh}", f"Not proven of {each.rule}: {each.why_en}")
        for each in report.not_proven
    ]


def _show_example(invocation: Invocation, shown: Counterexample) -> None:
    write_line(f"    {invocation.say('事件', 'event')}: {_json(shown.event)}")
    write_line(f"    {invocation.say('会员', 'member')}: {_json(shown.member)}")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
