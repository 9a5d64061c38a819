"""What a program calls the things that its conditions name."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from jifen.core.program import Program
from jifen.core.rules.document import LocalizedText
from jifen.core.rules.facts import TIERS, data_names
from jifen.core.segments.facts import BALANCE
from jifen.core.wording.nouns import NOUNS
from jifen.core.wording.values import Locale, Said, chosen, instant_in_words, money_in_words, quoted

_FIELDS: Final = "member.fields."
_DATA: Final = "event.data."
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS: Final[tuple[Said, ...]] = (
    ("周一", "Monday"),
    ("周二", "Tuesday"),
    ("周三", "Wednesday"),
    ("周四", "Thursday"),
    ("周五", "Friday"),
    ("周六", "Saturday"),
    ("周日", "Sunday"),
)
_CLOCK: Final[dict[str, Said]] = {
    "year": ("{number} 年", "{number}"),
    "month": ("{number} 月", "{number}"),
    "day": ("{number} 日", "{number}"),
    "hour": ("{number} 点", "{number}:00"),
    "minute": ("{number} 分", "{number}"),
}
#: Points of a wallet, by what stands before its id.
_OF_WALLETS: Final[dict[str, Said]] = {
    BALANCE: ("可用的{wallet}", "the balance of {wallet}"),
    "period.earned.": ("定级周期内获得的{wallet}", "the number of {wallet} earned in the period"),
    "total.earned.": ("累计获得的{wallet}", "the number of {wallet} earned in all"),
}


class Called(NamedTuple):
    """A noun in one language, and of which kind its values are (see Noun)."""

    words: str
    kind: str


class Names:
    """The names of a program in one language."""

    def __init__(self, program: Program, locale: Locale) -> None:
        self.locale = locale
        self._program = program
        document = program.document
        self._wallets = {each.id: each.name for each in document.wallets}
        self._fields = {each.id: each for each in document.fields}
        self._sets = {each.id: each for each in document.tier_sets}
        self._data = {name: each for event in document.events for name, each in data_names(event).items()}
        self._values: dict[str, dict[str, LocalizedText]] = {
            "tier": {each.id: each.name for each in document.tiers},
            "reward": {each.id: each.name for each in document.rewards},
            "event": {each.type: each.name for each in document.events if each.name is not None},
        }
        self._values |= {f"tier:{each.id}": {tier.id: tier.name for tier in each.tiers} for each in document.tier_sets}
        self._values |= {
            f"field:{field.id}": {str(each.value): each.name for each in field.choices if each.name is not None}
            for field in document.fields
        }

    def text(self, text: LocalizedText) -> str:
        """A text of the program in this language."""
        return text.zh if self.locale == "zh" else text.en

    def noun(self, name: str) -> Called | None:
        """What a name of the vocabulary is called. None: there is no word for it."""
        said = NOUNS.get(name)
        if said is not None and not self.is_declared(name):
            return Called(chosen(said[:2], self.locale), said.kind)
        if name.startswith(_DATA):
            return self._data_noun(name.removeprefix(_DATA))
        if name.startswith(_FIELDS):
            return self._field_noun(name.removeprefix(_FIELDS))
        if name.startswith(TIERS):
            return self._tier_noun(name.removeprefix(TIERS))
        for start, words in _OF_WALLETS.items():
            wallet = self._wallets.get(name.removeprefix(start))
            if name.startswith(start) and wallet is not None:
                return Called(chosen(words, self.locale).format(wallet=self.text(wallet)), "number")
        return None

    def is_declared(self, name: str) -> bool:
        """Whether the program itself declares this property of events, whatever it may mean elsewhere."""
        return name.startswith(_DATA) and name.removeprefix(_DATA) in self._data

    def value(self, kind: str, value: bool | int | str) -> str:
        """A value of a kind that nouns have, as people write it."""
        named = self._values.get(kind, {}).get(str(value))
        if named is not None:
            return self.text(named)
        if isinstance(value, bool):
            return chosen(("是", "yes") if value else ("否", "no"), self.locale)
        if isinstance(value, str):
            return quoted(value, self.locale)
        return self._number(kind, value)

    def instant(self, instant: datetime) -> str:
        """Date and time in the program's zone."""
        return instant_in_words(instant.astimezone(self._program.zone), self.locale)

    @property
    def zone(self) -> str:
        """The program's time zone."""
        return self._program.document.time_zone

    def _number(self, kind: str, number: int) -> str:
        if kind == "money":
            return money_in_words(number, self._program.document.currency, self.locale)
        if kind == "weekday" and 1 <= number <= 7:
            return chosen(_WEEKDAYS[number - 1], self.locale)
        if kind == "month" and self.locale == "en" and 1 <= number <= 12:
            return _MONTHS[number - 1]
        if kind in _CLOCK:
            return chosen(_CLOCK[kind], self.locale).format(number=number)
        return f"{number:,}"

    def _data_noun(self, name: str) -> Called:
        words = quoted(name, self.locale)
        kind = {"int": "number", "bool": "truth"}.get(self._data.get(name, ""), "text")
        return Called(words, "money" if kind == "number" and name.endswith("_cents") else kind)

    def _field_noun(self, field: str) -> Called:
        document = self._fields.get(field)
        name = document.name if document is not None else None
        kind = (
            "money"
            if document is not None and document.type == "int" and field.endswith("_cents")
            else f"field:{field}"
        )
        return Called(quoted(field if name is None else self.text(name), self.locale), kind)

    def _tier_noun(self, tier_set: str) -> Called:
        document = self._sets.get(tier_set)
        name = quoted(tier_set if document is None else self.text(document.name), self.locale)
        return Called(chosen((f"{name}中的等级", f"the tier in {name}"), self.locale), f"tier:{tier_set}")


@lru_cache(maxsize=16)
def names_of(program: Program, locale: Locale) -> Names:
    """The names of a program, kept: they are asked for again and again."""
    return Names(program, locale)
