"""Reads the worked examples under `examples/`: what each says, and the event, member and program that it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from jifen.core.calendar import local_day
from jifen.core.ledger.values import Account, MemberState
from jifen.core.program import Program, ProgramDocument, check_document
from jifen.core.rules.document import ORDER_COMPLETED
from jifen.core.rules.facts import MemberFacts
from jifen.core.rules.rate import Outcome
from jifen.core.rules.standing import Counters, Profile
from jifen.services.typed_yaml import YamlFile
from tests.rating import Event, program_of

FOLDER: Final = Path(__file__).parent / "examples"
#: What a program of the examples has where it says nothing else. A rule without a wallet fills `points`.
BASE: Final[dict[str, Any]] = {
    "name": {"zh": "积分", "en": "Points"},
    "currency": "CNY",
    "time_zone": "Asia/Shanghai",
    "wallets": [
        {"id": "points", "name": {"zh": "积分", "en": "Points"}, "value": {"points": 100, "cents": 100}},
        {"id": "growth", "name": {"zh": "成长值", "en": "Growth"}},
    ],
}
#: A Wednesday.
SOME_DAY: Final = datetime.fromisoformat("2026-03-04T12:00:00+08:00")
MEMBER: Final = 1


class Afterwards(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of an order later: pieces by line are refunded (or `all` is), or the order is corrected; and what
    the member then has of it, by wallet."""

    what: str
    has: dict[str, int]
    refund: dict[str, int] | None = None
    correct: list[dict[str, Any]] | None = None


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event, the member it is about and what was used of caps before; and what the program gives.

    `awards`: points by rule, of all rules that give any; `totals`: by wallet. `uses`: what is used of caps. `outcomes`:
    what becomes of the rules that are named. `recorded_at`: when the event arrives, if later than it happens.
    """

    what: str
    at: datetime = SOME_DAY
    type: str = ORDER_COMPLETED
    source: str = "example"
    lines: list[dict[str, Any]] = []
    channel: str | None = None
    store_id: str | None = None
    data: dict[str, Any] = {}
    member: MemberFacts = MemberFacts()
    used: dict[str, int] = {}
    awards: dict[str, int] = {}
    totals: dict[str, int] | None = None
    uses: dict[str, int] = {}
    outcomes: dict[str, Outcome] = {}
    recorded_at: datetime | None = None
    afterwards: list[Afterwards] = []

    @property
    def event(self) -> Event:
        """The event, as the shared helper takes it."""
        if self.type != ORDER_COMPLETED:
            return Event(self.at, self.type, self.source, self.data)
        places = {"channel": self.channel, "store_id": self.store_id}
        named = {name: value for name, value in places.items() if value is not None}
        return Event(self.at, self.type, self.source, {"lines": self.lines, **named})


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Examples of one program: the parts in which it differs from BASE."""

    about: str
    program: dict[str, Any]
    examples: list[Example]


class Chapter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file: what it shows of the rows of the requirements that it names."""

    requirement: list[str]
    about: str
    sections: list[Section]


@cache
def chapters() -> dict[str, Chapter]:
    """All chapters by the name of their file."""
    return {path.stem: YamlFile(path.read_text("utf-8")).convert(Chapter) for path in sorted(FOLDER.glob("*.yaml"))}


def all_examples() -> Iterator[tuple[str, str, int, Example]]:
    """Every example with a readable name, its chapter and the number of its section."""
    for name, chapter in chapters().items():
        number = 0
        for index, section in enumerate(chapter.sections):
            for example in section.examples:
                number += 1
                words = re.sub(r"[^A-Za-z0-9.%]+", "-", example.what).strip("-")
                yield f"{name}-{number:02}-{words[:60]}", name, index, example


@cache
def program_of_section(name: str, index: int) -> Program:
    """The program of a section, checked as a file is."""
    content = BASE | chapters()[name].sections[index].program
    content["earning"] = [{"wallet": "points"} | rule for rule in content["earning"]]
    document = msgspec.convert(content, ProgramDocument)
    check_document(document)
    return program_of(document)


def state_before(program: Program, example: Example) -> MemberState:
    """A member of whom the program knows just what the example says, right before the event."""
    facts, day = example.member, local_day(example.at, program.zone)
    profile = Profile(
        facts.tier,
        facts.tags,
        facts.segments,
        facts.channel,
        facts.registered_at,
        facts.birthday,
        facts.birthday_window_from,
        facts.birthday_window_days,
        facts.fields,
    )
    used = {name: number for name, number in example.used.items() if not is_shared(name)}
    accounts = tuple(Account(wallet) for wallet in program.wallet_numbers.values())
    counters = _counters(facts, day, is_checkin=example.type == "member.checked_in")
    return MemberState(MEMBER, 0, accounts, profile, counters, used)


def is_shared(usage_name: str) -> bool:
    """Whether all members draw on a cap together."""
    return usage_name.split("/")[2] == "program"


def _counters(facts: MemberFacts, day: date, *, is_checkin: bool) -> Counters:
    """The counters that give these facts on that day. A check-in counts in its own streak: one less before it."""
    streak, last_checkin_on = facts.checkin_streak, day
    if is_checkin:
        streak, last_checkin_on = streak - 1, day - timedelta(days=1)
    last_order = facts.days_since_last_order
    return Counters(
        facts.orders,
        facts.spent_cents_total,
        f"{day.year:04d}-{day.month:02d}",
        facts.spent_cents_month,
        day.year,
        facts.spent_cents_year,
        None if last_order < 0 else day - timedelta(days=last_order),
        max(streak, 0),
        last_checkin_on if streak > 0 else None,
    )
