"""The facts about members as SQL, each equal to what `core/rules/facts.py` reads of profile and counters.

The tables go by short names: `m` members; `c` the account with the counters of the member; `w1`, `w2` ... accounts of
the wallets that a condition asks about; `t0`, `t1` ... where members stand in tier sets. What depends on the day
alone is worked out here and passed as an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from jifen.core.conditions import Condition
from jifen.core.conditions.sql import Fragment, SqlFacts, compile_sql, joined
from jifen.core.conditions.vocabulary import FieldType
from jifen.core.program import Program
from jifen.core.rules.book import SEGMENTS
from jifen.core.rules.facts import Moment, moment_facts
from jifen.core.segments.facts import BALANCE

MEMBERS: Final = "members m"
_TIER: Final = "member.tiers."
_COUNTERS: Final = "LEFT JOIN accounts c ON c.shard = m.shard AND c.member_id = m.member_id AND c.counters IS NOT NULL"
_READ_FIELD: Final = {"int": "whole_number", "string": "plain_text", "bool": "truth"}


class MemberColumns:
    """The facts of one program version at one moment, for the names that a condition reads."""

    def __init__(
        self, program: Program, moment: Moment, names: Iterable[str], segments: Mapping[str, Condition] = {}
    ) -> None:
        """`segments`: the conditions of saved segments by id, where a text of the condition may be one of these. They
        themselves see what was said of the member, and the lists."""
        self._joins: dict[str, Fragment] = {}
        self._numbers = program.wallet_numbers
        #: The tier of whoever was never moved, by tier set.
        self._lowest = {each.id: each.base for each in program.tier_sets}
        zone = program.document.time_zone
        values: dict[str, Fragment] = {}
        for name in {*names, *(name for each in segments.values() for name in each.names)}:
            fragment = self._value(name, program.segment_vocabulary.names[name], zone, moment)
            if fragment is not None:
                values[name] = fragment
        plain = SqlFacts(values, _LISTS, _HOLDS)
        found = {segment: compile_sql(condition.root, plain) for segment, condition in segments.items()}
        #: The segments of which SQL cannot say who belongs to them.
        self.not_in_sql = frozenset(segment for segment, each in found.items() if not each.is_whole)
        # Of whom a condition fails, it is not true.
        also = {segment: joined("coalesce({}, false)", each.test) for segment, each in found.items()}
        self.facts = SqlFacts(values, _LISTS, _HOLDS, {SEGMENTS: also} if also else {})

    @property
    def source(self) -> Fragment:
        """What stands behind FROM."""
        joins = list(self._joins.values())
        text = " ".join([MEMBERS, *(each.text for each in joins)])
        return Fragment(text, tuple(argument for each in joins for argument in each.arguments))

    def _value(self, name: str, field_type: FieldType, zone: str, moment: Moment) -> Fragment | None:
        if name in moment_facts(moment):
            return _moment_value(name, moment)
        if name.startswith("member.fields."):
            field = name.removeprefix("member.fields.")
            path = "m.profile -> 'fields' -> $?::text"
            text = f"{_READ_FIELD[field_type]}(json_typeof({path}), m.profile -> 'fields' ->> $?::text)"
            return Fragment(text, (field, field))
        if name.startswith(_TIER):
            return self._tier(name.removeprefix(_TIER))
        if name == "member.tier" and self._lowest:
            return self._tier(next(iter(self._lowest)))
        if name.startswith(BALANCE):
            return self._balance(self._numbers[name.removeprefix(BALANCE)])
        if name in _COUNTED:
            self._joins["c"] = Fragment(_COUNTERS)
            return _COUNTED[name](moment.local.date())
        if name == "member.days_since_registration":
            text = "greatest($?::date - (m.registered_at AT TIME ZONE $?::text)::date, 0)::bigint"
            return Fragment(text, (moment.local.date(), zone))
        return _SAID[name](moment.local.date()) if name in _SAID else None

    def _balance(self, wallet: int) -> Fragment:
        alias = f"w{wallet}"
        self._joins[alias] = Fragment(
            f"LEFT JOIN accounts {alias} ON {alias}.shard = m.shard AND {alias}.member_id = m.member_id"
            f" AND {alias}.wallet = $?::smallint",
            (wallet,),
        )
        return Fragment(f"coalesce({alias}.available, 0)")

    def _tier(self, tier_set: str) -> Fragment:
        alias = f"t{list(self._lowest).index(tier_set)}"
        self._joins[alias] = Fragment(
            f"LEFT JOIN member_tiers {alias} ON {alias}.shard = m.shard AND {alias}.member_id = m.member_id"
            f" AND {alias}.tier_set = $?::text",
            (tier_set,),
        )
        return Fragment(f"coalesce({alias}.tier, $?::text)", (self._lowest[tier_set],))


def _moment_value(name: str, moment: Moment) -> Fragment:
    value = moment_facts(moment)[name]
    return Fragment("$?::timestamptz" if name == "now" else "$?::bigint", (value,))


def _text(key: str) -> Callable[[date], Fragment]:
    return lambda day: Fragment(f"coalesce(m.profile ->> '{key}', '')")


def _birthdays(day: date) -> list[str]:
    """The days of birth (MM-DD) that have birthday on a day: on 28 February of most years two."""
    days = [f"{day:%m-%d}"]
    if days == ["02-28"] and (day + timedelta(days=1)).month == 3:
        days.append("02-29")
    return days


_BIRTH_MONTH: Final = "left(right(m.profile ->> 'birthday', 5), 2)::bigint"


def _birthday_window(day: date) -> Fragment:
    days = "$?::date - (m.profile ->> 'birthday_window_from')::date"
    last = "coalesce((m.profile ->> 'birthday_window_days')::bigint, 30) - 1"
    return Fragment(f"coalesce({days} BETWEEN 0 AND {last}, false)", (day,))


#: From the profile.
_SAID: Final[dict[str, Callable[[date], Fragment]]] = {
    "member.tier": _text("tier"),
    "member.channel": _text("channel"),
    "member.registered_at": lambda day: Fragment("m.registered_at"),
    "member.birthday_month": lambda day: Fragment(f"coalesce({_BIRTH_MONTH}, 0)"),
    "member.birthday_day": lambda day: Fragment("coalesce(right(m.profile ->> 'birthday', 2)::bigint, 0)"),
    "member.is_birthday": lambda day: Fragment(
        "coalesce(right(m.profile ->> 'birthday', 5) = ANY ($?::text[]), false)", (_birthdays(day),)
    ),
    "member.is_birthday_month": lambda day: Fragment(f"coalesce({_BIRTH_MONTH} = $?::bigint, false)", (day.month,)),
    "member.in_birthday_window": _birthday_window,
}


def _number(place: int) -> str:
    return f"coalesce((c.counters ->> {place})::bigint, 0)"


def _in_period(place: int, period: int, value: Any, cast: str) -> Fragment:
    """A counter that belongs to one period, and is 0 in any other."""
    of_period = f"(c.counters ->> {period}){cast} = $?{cast or '::text'}"
    return Fragment(f"CASE WHEN {of_period} THEN {_number(place)} ELSE 0 END", (value,))


def _streak(day: date) -> Fragment:
    """Counters.streak_on: over where the day before was missed."""
    last, streak = "(c.counters ->> 8)::date", _number(7)
    text = (
        f"CASE WHEN {last} IS NULL THEN 0 WHEN $?::date - {last} > 1 THEN 0"
        f" WHEN $?::date - {last} = 1 THEN {streak} ELSE greatest({streak} + ($?::date - {last}), 0) END"
    )
    return Fragment(text, (day, day, day))


#: From the counters (jifen.core.rules.standing.Counters), by the places of its fields.
_COUNTED: Final[dict[str, Callable[[date], Fragment]]] = {
    "member.orders": lambda day: Fragment(_number(0)),
    "member.is_first_order": lambda day: Fragment(f"({_number(0)} = 0)"),
    "member.spent_cents_total": lambda day: Fragment(_number(1)),
    "member.spent_cents_month": lambda day: _in_period(3, 2, f"{day:%Y-%m}", ""),
    "member.spent_cents_year": lambda day: _in_period(5, 4, day.year, "::bigint"),
    "member.days_since_last_order": lambda day: Fragment(
        "CASE WHEN c.counters ->> 6 IS NULL THEN -1 ELSE greatest($?::date - (c.counters ->> 6)::date, 0) END::bigint",
        (day,),
    ),
    "member.checkin_streak": _streak,
}

_ON_LIST: Final = "EXISTS (SELECT FROM segment_members l WHERE l.shard = m.shard AND l.member_id = m.member_id"
_LISTS: Final = {
    "member.tags": Fragment("(m.profile -> 'tags')"),
    # What was said first, then the lists that were not said as well, as the engine puts them together.
    "member.segments": Fragment(
        "(SELECT json_agg(held.name ORDER BY held.kind, held.place, held.name) FROM ("
        "SELECT 0 AS kind, said.place, said.name"
        " FROM json_array_elements_text(m.profile -> 'segments') WITH ORDINALITY AS said (name, place)"
        " UNION ALL SELECT 1, 0, l.segment_id FROM segment_members l"
        " WHERE l.shard = m.shard AND l.member_id = m.member_id"
        " AND NOT coalesce((m.profile -> 'segments')::jsonb ? l.segment_id, false)) AS held)"
    ),
}
_HOLDS: Final = {
    "member.tags": "coalesce((m.profile -> 'tags')::jsonb ? {}, false)",
    "member.segments": f"(EXISTS (SELECT FROM json_array_elements_text(m.profile -> 'segments') AS said (name)"
    f" WHERE said.name = {{}}) OR {_ON_LIST} AND l.segment_id = {{}}))",
}
