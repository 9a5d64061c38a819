"""The rules of a program version, compiled: which of them may matter for an event, found without asking each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import date, datetime
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, Final
from zoneinfo import ZoneInfo

from jifen.core.calendar import local_day
from jifen.core.conditions import Condition, Vocabulary
from jifen.core.conditions.syntax import Call, Constant, ListLiteral, Member, Name, Node, children_of, conjuncts
from jifen.core.orders import OrderLine
from jifen.core.rules.campaigns import OpenCampaign
from jifen.core.rules.caps import OpenCap, open_caps, usage_name
from jifen.core.rules.compiling import compile_condition, compile_formula
from jifen.core.rules.document import ORDER_COMPLETED, Cap, EarningRule, Fixed, Group
from jifen.core.rules.facts import (
    BUILT_IN_EVENTS,
    REGISTRATION,
    Reader,
    names_for,
    needs_profile,
    readers_of,
    vocabularies,
)
from jifen.core.rules.faults import invalid, unknown
from jifen.core.rules.windows import OpenWindow

#: Facts by which rules are found, the most telling first.
_TELLING: Final = ("line.sku", "line.brand", "line.category", "order.store_id", "order.channel", "member.tier")
#: The fact for which segments are looked up.
SEGMENTS: Final = "member.segments"
_COMPARING: Final = ("_==_", "_!=_", "@in")
#: So many local days are kept ready: a backtest goes through years of them with each member. Most have the same rules.
_DAYS = 4_096
_KINDS_OF_DAYS = 256
#: So many sets of telling facts are kept with their rules, for each kind of day.
_KINDS_OF_EVENTS = 1_024
_DAYS_OF_CAPS = 512


class CompiledRule:
    """A rule with everything looked up that rating asks of it. Treat it as frozen."""

    __slots__ = (
        "audiences",
        "campaign_window",
        "cannot_fail",
        "caps",
        "discriminator",
        "document",
        "factor",
        "fixed",
        "formula",
        "group",
        "id",
        "is_always_open",
        "is_certain",
        "is_coefficient",
        "is_sure_by_line",
        "line_test",
        "lines",
        "order",
        "says_it_all",
        "value",
        "wallet",
        "when",
        "window",
    )

    def __init__(
        self,
        document: EarningRule,
        wallet: int,
        value: tuple[int, int] | None,
        campaign: OpenCampaign | None,
        group: Group | None,
        program_caps: Sequence[OpenCap],
        vocabulary: tuple[Vocabulary, Vocabulary | None, Vocabulary],
        zone: ZoneInfo,
        path: str,
    ) -> None:
        of_event, of_line, of_member = vocabulary
        self.document = document
        self.id = document.id
        self.wallet = wallet
        self.value = value
        self.group = group
        self.window = OpenWindow(document.window, zone, f"{path}.window")
        self.campaign_window = None if campaign is None else campaign.window
        audience = compile_condition(of_member, document.audience, f"{path}.audience")
        shared = None if campaign is None else campaign.audience
        self.audiences = tuple(each for each in (shared, audience) if each is not None)
        self.when = compile_condition(of_event, document.when, f"{path}.when")
        if document.lines is not None and of_line is None:
            raise invalid(
                f"{path}.lines",
                f"is given, but {document.event} has no lines; only {ORDER_COMPLETED} has",
                f"写了，但 {document.event} 没有商品行；只有 {ORDER_COMPLETED} 有",
            )
        self.lines = None if of_line is None else compile_condition(of_line, document.lines, f"{path}.lines")
        self.formula = compile_formula(of_event, document.formula, f"{path}.formula")
        self.fixed = Fixed(document.fixed) if isinstance(document.fixed, int) else document.fixed
        self.is_coefficient = document.coefficient is not None
        #: Whether what it gives follows from the lines alone, once it matches.
        self.cannot_fail = self.formula is None and document.progressive is None
        self.factor = (1, 1) if document.coefficient is None else document.coefficient.times.as_integer_ratio()
        caps = open_caps(f"rule:{document.id}", document.caps)
        if campaign is not None:
            caps += open_caps(f"campaign:{campaign.document.id}", campaign.document.budgets)
        self.caps = (*caps, *program_caps)
        #: Rules act in this order wherever an order matters; never in that of the file.
        self.order = (-document.priority, document.id)
        self.discriminator = _discriminator(self._conditions())
        #: Whether a rule that was found by its discriminator needs no look at its audience and condition any more.
        others = [each for each in (self.when, *self.audiences) if each is not None]
        self.says_it_all = not others or (
            len(others) == 1
            and self.discriminator is not None
            and is_single_test(others[0].root)
            and others[0].discriminators.keys() == {self.discriminator[0]}
        )
        windows = (self.window, self.campaign_window)
        #: Whether no instant of a day that fits lies outside.
        self.is_always_open = all(each is None or each.is_whole_days for each in windows)
        #: Whether, on a day that fits, it matches whatever comes, with every line.
        self.is_certain = self.is_always_open and not self._conditions()
        #: The field and values of a line filter that asks for nothing else.
        self.line_test = None if self.lines is None else single_test(self.lines)
        #: Whether such a filter is all that it asks on a day that fits.
        self.is_sure_by_line = self.line_test is not None and not others and self.is_always_open

    @property
    def is_plain(self) -> bool:
        """Whether, on a day that fits, the rule gives points for any event, whoever it is from, as far as caps leave
        room."""
        return self.group is None and self.is_certain and self.cannot_fail and not self.is_coefficient

    @property
    def names(self) -> frozenset[str]:
        """The facts that the rule's conditions read."""
        conditions = [*self._conditions(), *([self.formula] if self.formula else [])]
        return frozenset[str]().union(*(each.names for each in conditions))

    @property
    def segments(self) -> frozenset[str]:
        """The segments that the rule may ask for: every text in conditions that read them."""
        conditions = [*self._conditions(), *([self.formula] if self.formula else [])]
        return frozenset[str]().union(*(segments_asked(each) for each in conditions))

    def fits_day(self, day: date, zone: ZoneInfo) -> bool:
        """Whether the rule may hold on a local day."""
        windows = (self.window, self.campaign_window)
        return all(each is None or each.is_always or each.fits_day(day, zone) for each in windows)

    def is_open(self, instant: datetime, local: datetime) -> bool:
        """Whether the rule holds at an instant of a day that fits."""
        for each in (self.window, self.campaign_window):
            if each is not None and not each.is_always and not each.contains(instant, local):
                return False
        return True

    def _conditions(self) -> list[Condition]:
        return [each for each in (self.when, self.lines, *self.audiences) if each is not None]


def segments_asked(condition: Condition) -> frozenset[str]:
    """The texts in a condition that reads segments, but for those that are just compared with another fact: among them
    all that it may ask for by name."""
    if SEGMENTS not in condition.names:
        return frozenset()
    return frozenset(_texts_for_segments(condition.root, condition.names - {SEGMENTS}))


def _texts_for_segments(node: Node, others: Set[str]) -> Iterator[str]:
    """The texts in a part of a condition that are not just compared with one of these other facts."""
    if isinstance(node, Constant):
        if isinstance(node.value, str):
            yield node.value
        return
    parts = children_of(node)
    if isinstance(node, Call) and node.function in _COMPARING and any(_is_other(each, others) for each in parts):
        parts = tuple(
            chain.from_iterable(each.elements if isinstance(each, ListLiteral) else (each,) for each in parts)
        )
        parts = tuple(each for each in parts if not isinstance(each, Constant))
    for each in parts:
        yield from _texts_for_segments(each, others)


def _is_other(node: Node, others: Set[str]) -> bool:
    return isinstance(node, Member) or (isinstance(node, Name) and node.name in others)


def is_single_test(root: Node) -> bool:
    """Whether a condition just compares one fact with one or more constants."""
    match root:
        case Call(function="_==_", arguments=(Name(), Constant()) | (Constant(), Name())):
            return True
        case Call(function="@in", arguments=(Name(), ListLiteral(elements=elements))):
            return all(isinstance(each, Constant) for each in elements)
        case Name(type="bool"):
            return True
    return False


def single_test(condition: Condition) -> tuple[str, frozenset[Any]] | None:
    """The field of a line and its values, where a filter asks just whether it has one of them."""
    if not is_single_test(condition.root) or len(condition.discriminators) != 1:
        return None
    ((name, values),) = condition.discriminators.items()
    return (name.removeprefix("line."), values) if name.startswith("line.") else None


def _discriminator(conditions: Iterable[Condition]) -> tuple[str, frozenset[Any]] | None:
    """The most telling fact that must have (or, a list of texts, hold) one of a few values for the rule to match."""
    found: dict[str, frozenset[Any]] = {}
    for condition in conditions:
        for name, values in (condition.discriminators | _held(condition.root)).items():
            found[name] = found[name] & values if name in found and condition.discriminators.get(name) else values
    for name in (*_TELLING, *sorted(found)):
        if name in found:
            return name, found[name]
    return None


def _held(root: Node) -> dict[str, frozenset[Any]]:
    """The texts that lists must hold for a condition to be true; one of each list, as one tells enough."""
    held: dict[str, frozenset[Any]] = {}
    for term in conjuncts(root):
        match term:
            case Call(function="@in", arguments=(Constant(value=value), Name(type="strings", name=name))):
                held[name] = frozenset({value})
    return held


class Day:
    """The rules on one kind of event that may hold on a local day, by what tells them apart."""

    __slots__ = ("_found", "_told_by_facts", "_told_by_lines", "_waiting", "always", "asks", "capped", "is_plain")

    def __init__(self, rules: Sequence[CompiledRule]) -> None:
        self.capped = [rule for rule in rules if rule.caps]
        #: Those that no fact tells apart.
        self.always: list[CompiledRule] = []
        #: Those that wait for a fact to have a value.
        self._waiting: dict[tuple[str, Any], list[CompiledRule]] = {}
        telling: dict[str, set[Any]] = {}
        for rule in rules:
            if rule.discriminator is None:
                self.always.append(rule)
                continue
            name, values = rule.discriminator
            if name.startswith("line.") and "" in values:
                # What a line does not say is empty.
                values |= {None}
            telling.setdefault(name, set()).update(values)
            for value in values:
                self._waiting.setdefault((name, value), []).append(rule)
        #: Whether facts tell which rules may match; else all of `always` may, in their order.
        self.asks = bool(self._waiting)
        #: The telling values of facts, and of lines with how they are read there.
        self._told_by_facts = [(name, values) for name, values in telling.items() if not name.startswith("line.")]
        self._told_by_lines = [
            (name, attrgetter(name.removeprefix("line.")), values)
            for name, values in telling.items()
            if name.startswith("line.")
        ]
        #: What was found before, by the facts that told.
        self._found: dict[tuple[tuple[str, Any], ...], Sequence[CompiledRule]] = {}
        #: Whether those that no fact tells apart give what they give for whatever comes: nothing to ask, choose or
        #: multiply, unless facts tell of others.
        self.is_plain = all(rule.is_plain for rule in self.always)

    def candidates(self, facts: Mapping[str, Any], lines: Sequence[OrderLine]) -> Sequence[CompiledRule]:
        """The rules that may match an event with these facts, in their order."""
        told: list[tuple[str, Any]] = []
        for name, read, values in self._told_by_lines:
            for value in map(read, lines):
                if value in values and (name, value) not in told:
                    told.append((name, value))
        for name, values in self._told_by_facts:
            try:
                fact = facts[name]
            except KeyError:
                # An event without the property: these rules fail, and that must be seen.
                told += [(name, value) for value in values]
                continue
            if type(fact) is list:
                told += [(name, value) for value in fact if value in values]
            elif fact in values:
                told.append((name, fact))
        if not told:
            return self.always
        key = tuple(told)
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= _KINDS_OF_EVENTS:
                self._found.clear()
            rules = chain(self.always, *map(self._waiting.__getitem__, told))
            found = self._found[key] = sorted(set(rules), key=_order)
        return found


class EventBook:
    """The rules on one kind of event."""

    def __init__(self, rules: Sequence[CompiledRule], zone: ZoneInfo, field_types: Mapping[str, Any]) -> None:
        self.rules = sorted(rules, key=_order)
        self.by_id = {rule.id: rule for rule in self.rules}
        self.zone = zone
        #: What conditions on such events can name, with its type.
        self.field_types = field_types
        self.names = frozenset[str]().union(*(rule.names for rule in rules))
        self.reads_lines = "order.lines" in self.names
        self.reads_segments = SEGMENTS in self.names
        #: The segments that conditions may ask for by name.
        self.segments = frozenset[str]().union(*(rule.segments for rule in rules))
        self.readers: Mapping[str, Reader] = readers_of(
            self.names | {rule.discriminator[0] for rule in rules if rule.discriminator}, field_types
        )
        self.has_caps = any(rule.caps for rule in rules)
        #: The ways in which groups pick.
        self.picks = frozenset(rule.group.pick for rule in rules if rule.group is not None)
        self.has_progressive = any(rule.document.progressive for rule in rules)
        #: The coefficients that multiply what a rule gives, by its id.
        self.multipliers = _multipliers(self.rules)
        self.needs_member = bool(self.readers) or self.has_progressive
        #: Whether that takes more than counters and tiers: what is said of the member, and when they registered.
        self.needs_profile = needs_profile(self.readers)
        self.needs_registration = self.reads_segments or not REGISTRATION.isdisjoint(self.names)
        self.on_day = lru_cache(maxsize=_DAYS)(self._on_day)
        self._day_with = lru_cache(maxsize=_KINDS_OF_DAYS)(Day)
        #: The usage names of all caps that may matter on a local day; True: shared by all members.
        self.caps_on = lru_cache(maxsize=_DAYS_OF_CAPS)(self._caps_on)

    def day_of(self, instant: datetime) -> date:
        """The local day of an instant."""
        return local_day(instant, self.zone)

    def _caps_on(self, day: date) -> Mapping[str, bool]:
        return {
            usage_name(cap, day): cap.is_shared
            for rule in self.on_day(day).capped
            for cap in rule.caps
            if cap.cap.period != "event"
        }

    def _on_day(self, day: date) -> Day:
        return self._day_with(tuple(rule for rule in self.rules if rule.fits_day(day, self.zone)))


def _order(rule: CompiledRule) -> tuple[int, str]:
    return rule.order


def _multipliers(rules: Sequence[CompiledRule]) -> dict[str, frozenset[str]]:
    """By the id of each base rule, the ids of the coefficients of its wallet that name it; or, where they name none,
    that multiply all that is rated by money. Equal sets are one."""
    coefficients = [(each, each.document.coefficient.of) for each in rules if each.document.coefficient is not None]
    sets: dict[frozenset[str], frozenset[str]] = {}
    found = {}
    for base in rules:
        if not base.is_coefficient:
            is_rated = base.fixed is None and base.formula is None
            ids = frozenset(
                each.id
                for each, named in coefficients
                if each.wallet == base.wallet and (base.id in named if named else is_rated)
            )
            found[base.id] = sets.setdefault(ids, ids)
    return found


def compile_rules(
    rules: Sequence[EarningRule],
    *,
    wallets: Mapping[str, int],
    values: Mapping[str, tuple[int, int]],
    campaigns: Mapping[str, OpenCampaign],
    groups: Sequence[Group],
    budgets: Sequence[Cap],
    fields: Sequence[Any],
    events: Sequence[Any],
    zone: ZoneInfo,
    tier_sets: Sequence[str] = (),
) -> dict[str, EventBook]:
    """The rules of a program by the type of event they wait for. Raises InvalidProgram."""
    by_event: dict[str, list[CompiledRule]] = {}
    vocabulary: dict[str, tuple[Vocabulary, Vocabulary | None, Vocabulary]] = {}
    program_caps = open_caps("program", budgets)
    group_of = {each.id: each for each in groups}
    names: dict[str, Any] = {}
    for index, rule in enumerate(rules):
        path = f"$.earning[{index}]"
        if rule.event not in vocabulary:
            try:
                names[rule.event] = names_for(rule.event, fields, events, tier_sets)
            except KeyError:
                known = [ORDER_COMPLETED, *BUILT_IN_EVENTS, *(each.type for each in events)]
                what = "事件类型（`events` 可声明更多）", "types of events (`events` declares more)"
                raise unknown(f"{path}.event", rule.event, known, *what) from None
            vocabulary[rule.event] = vocabularies(names[rule.event], rule.event)
        by_event.setdefault(rule.event, []).append(
            CompiledRule(
                rule,
                wallets[rule.wallet],
                values.get(rule.wallet),
                campaigns.get(rule.campaign or ""),
                group_of.get(rule.group or ""),
                () if rule.coefficient is not None else program_caps,
                vocabulary[rule.event],
                zone,
                path,
            )
        )
    return {event: EventBook(each, zone, names[event]) for event, each in by_event.items()}
