"""The rules of a program as their author writes them (docs/reference/rules.md)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec

from jifen.core.calendar import Expiry, NeverExpires
from jifen.core.rounding import Rounding

#: What is earned by default: the event that most rules wait for.
ORDER_COMPLETED = "order.completed"

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Period = Literal["event", "day", "week", "month", "year", "campaign", "lifetime"]


class LocalizedText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text in both languages of every screen."""

    zh: str
    en: str


class Ratio(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exact rate: `points` for every `per_cents` minor units of money that were paid."""

    points: int
    per_cents: int


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rate that holds from an amount (minor units) on."""

    from_cents: int
    points: int
    per_cents: int


class Steps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rates by what the order itself comes to.

    `whole`: the rate that the amount reaches holds for all of it; `marginal`: each rate for its own part.
    """

    rates: list[Step]
    kind: Literal["whole", "marginal"] = "whole"


class Progressive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Marginal rates by what the member had spent before in this month, this year or ever, and this order on top."""

    rates: list[Step]
    period: Literal["month", "year", "lifetime"] = "year"


class Fixed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same points each time: for an event, for each matching line, or for each piece on matching lines."""

    points: int
    per: Literal["event", "line", "unit"] = "event"


class Coefficient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Multiplies what base rules of the same event and wallet give. `of`: these rules alone; none named: all that are
    rated by money (ratio, steps, progressive)."""

    times: Decimal
    of: list[str] = []


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """When a rule holds, in the program's time zone; every part that is given must fit.

    `from`, `to`: a date (the whole day, both included) or a date and time (`to` excluded). `hours`: `HH:MM-HH:MM`, the
    end excluded, over midnight where it ends before it begins. `days_of_month`: 1 to 31, or -1 for the last day.
    `yearly`: `MM-DD`; 02-29 stands for the last day of February.
    """

    since: str | None = None
    until: str | None = None
    weekdays: list[Weekday] = []
    hours: list[str] = []
    days_of_month: list[int] = []
    yearly: list[str] = []


class Cap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most so many points, awards, or cents of cost (by the wallet's value) in a period, for each member or for the
    whole program (a budget)."""

    limit: Literal["points", "count", "cost_cents"]
    most: int
    per: Literal["member", "program"] = "member"
    period: Period = "lifetime"


GroupPick = Literal["sum", "best", "first"]


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How rules that match together add up: all (`sum`), the one that gives most (`best`), or the one of highest
    priority (`first`)."""

    id: str
    pick: GroupPick


class Campaign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules with a common period, audience and budget."""

    id: str
    name: LocalizedText
    window: Window = Window()
    audience: str | None = None
    budgets: list[Cap] = []


class EarningRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How one kind of event becomes points: select, match, award, round, cap, open a lot.

    Exactly one of `ratio`, `fixed`, `steps`, `progressive`, `coefficient` and `formula` says what is awarded.
    `basis` says what is rated and rounded: the order's paid total (of the lines that match `lines`), or each such line
    by itself. `pending_days` is how long points wait (for the return period) before they can be spent.
    """

    id: str
    wallet: str
    ratio: Ratio | None = None
    basis: Literal["order", "line"] = "order"
    rounding: Rounding = "floor"
    pending_days: int = 0
    expiry: Expiry = NeverExpires()
    name: LocalizedText | None = None
    event: str = ORDER_COMPLETED
    window: Window = Window()
    audience: str | None = None
    when: str | None = None
    lines: str | None = None
    fixed: int | Fixed | None = None
    steps: Steps | None = None
    progressive: Progressive | None = None
    coefficient: Coefficient | None = None
    formula: str | None = None
    group: str | None = None
    priority: int = 0
    caps: list[Cap] = []
    campaign: str | None = None

    @property
    def awards(self) -> list[str]:
        """The kinds of award that are given; a right rule has one."""
        names = ("ratio", "fixed", "steps", "progressive", "coefficient", "formula")
        return [name for name in names if getattr(self, name) is not None]


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A level that members can have."""

    id: str
    name: LocalizedText


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A value that a field may have, and what forms call it."""

    value: bool | int | str
    name: LocalizedText | None = None


class MemberField(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A field of members that the operator made up; conditions read it as `member.fields.ID`.

    `choices`: the only values; none named: any of the type. `schema`: a JSON Schema (2020-12) that the value must fit
    besides. `required`: forms ask for it, and what was said cannot be taken away.
    """

    id: str
    type: Literal["bool", "int", "string"]
    name: LocalizedText | None = None
    required: bool = False
    choices: list[Choice] = []
    schema: dict[str, Any] = {}


class EventType(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of event that the operator declares. `schema` is a JSON Schema (2020-12) of its data; conditions read its
    plain properties (boolean, integer, string) as `event.data.NAME`."""

    type: str
    schema: dict[str, Any] = {}
    name: LocalizedText | None = None


class Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What exists, as far as the author says: conditions that name something else are reported by `rules check`."""

    skus: list[str] = []
    categories: list[str] = []
    brands: list[str] = []
    channels: list[str] = []
    stores: list[str] = []
    tiers: list[Tier] = []
    tags: list[str] = []
    segments: list[str] = []
