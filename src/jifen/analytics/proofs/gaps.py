"""Categories and tiers that earn nothing, at any moment or at some.

A plain order is rated for real at a moment that the solver picks. Wherever the rule that gave something then matches
as well, it gives something again: such moments are left out, and the next one is picked, until an order earns nothing
or no moment is left. So windows, and what conditions ask of the moment, are gone through whole, in a few steps.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import z3

from jifen.analytics.proofs.asking import STEPS_OF_RATED_RULE
from jifen.analytics.proofs.encoding import LINE_PREFIX
from jifen.analytics.proofs.evaluation import formula_gives_points
from jifen.analytics.proofs.examples import Case, counterexample, facts_of, replay, usual_moment
from jifen.analytics.proofs.moments import MINUTES_OF_DAY, minutes_at, windows_of
from jifen.analytics.proofs.overlaps import multiplies
from jifen.analytics.proofs.report import Finding, NotProven, finding, gave_up
from jifen.analytics.proofs.space import Space
from jifen.analytics.proofs.undecided import Undecided
from jifen.core.conditions.syntax import Call, Constant, Node, walk
from jifen.core.orders import Order, OrderLine
from jifen.core.rules.book import CompiledRule
from jifen.core.rules.document import ORDER_COMPLETED
from jifen.core.rules.facts import MemberFacts, RatedEvent

#: What is paid for the order that is tried, in cents.
PAID_CENTS: Final = 100_000
#: So many moments are tried for one order.
MOST_TRIES: Final = 64
#: So many orders are followed through all moments; those that earn alike at all of them do not count.
MOST_SEARCHES: Final = 1_000
#: So many names a finding has.
MOST_NAMED: Final = 10
#: How reports, Chinese and English (one, several) call them.
_CATEGORY: Final = ("category", "类目", "the category", "the categories")
_TIER: Final = ("tier", "等级", "the tier", "the tiers")
_WEEKDAYS: Final = (
    *(("周一", "Monday"), ("周二", "Tuesday"), ("周三", "Wednesday"), ("周四", "Thursday")),
    *(("周五", "Friday"), ("周六", "Saturday"), ("周日", "Sunday")),
)


class Subject(msgspec.Struct, frozen=True):
    """An order of one line of a category (None: of none), of a member of a tier (empty: of none)."""

    category: str | None
    tier: str = ""


class Gap(msgspec.Struct, frozen=True):
    """That an order earns nothing at a local moment, or `always`."""

    at: datetime
    always: bool = False


def gaps(space: Space) -> Iterator[Finding | NotProven]:
    """Categories and tiers of the catalog, and pairs of both, for which an order of 1,000.00 earns nothing."""
    document, finder = space.program.document, _Finder(space)
    earning: list[str] = []
    for categories in finder.alike(document.catalog.categories):
        subject = Subject(categories[0])
        gap = yield from finder.told(subject, [], _names(_CATEGORY, categories))
        if gap is None or not gap.always:
            earning.append(categories[0])
    usual = earning[0] if earning else None
    # What the category does not earn is told of it; without one, of each tier.
    told = [] if usual is None else [Subject(usual)]
    for tiers in finder.alike([each.id for each in document.tiers]):
        subject = Subject(usual, tiers[0])
        owner, zh, en = _names(_TIER, tiers)
        gap = yield from finder.told(subject, told, (owner, zh, en))
        for category in earning[1:] if gap is None or not gap.always else ():
            named = f"{owner}/category:{category}", f"{zh} 在类目 {category}", f"{en} in the category {category}"
            yield from finder.told(Subject(category, tiers[0]), [Subject(category), subject], named)


def _names(kind: tuple[str, str, str, str], names: Sequence[str]) -> tuple[str, str, str]:
    """What several are called: in a report, whatever its language, in Chinese and in English."""
    owner, zh, one, several = kind
    shown, more = names[:MOST_NAMED], len(names) - MOST_NAMED
    owner = f"{owner}:{','.join(shown)}"
    zh, en = f"{zh} {'、'.join(shown)}", f"{one if len(names) == 1 else several} {', '.join(shown)}"
    return (owner, f"{zh} 等 {len(names)} 个", f"{en} and {more} more") if more > 0 else (owner, zh, en)


class _Finder:
    """Looks for moments at which orders earn nothing."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._rules = space.program.books[space.event_type].rules
        self._base = [rule for rule in self._rules if not rule.is_coefficient]
        conditions = [each for rule in self._rules for each in (*rule.audiences, rule.when, rule.lines) if each]
        conditions += [rule.formula for rule in self._rules if rule.formula is not None]
        nodes = [node for each in conditions for node in walk(each.root)]
        self._mentioned = {str(node.value) for node in nodes if isinstance(node, Constant)}
        self._reads_into_texts = any(_reads_into_texts(node) for node in nodes)
        self._searches = 0

    def alike(self, names: Sequence[str]) -> list[list[str]]:
        """The names, together where no rule tells them apart: those that none mentions."""
        if self._reads_into_texts:
            return [[name] for name in names]
        groups: dict[str | None, list[str]] = {}
        for name in names:
            groups.setdefault(name if name in self._mentioned else None, []).append(name)
        return list(groups.values())

    def told(
        self, subject: Subject, others: Sequence[Subject], names: tuple[str, str, str]
    ) -> Generator[Finding | NotProven, None, Gap | None]:
        """The gap of a subject as a finding; what is a gap of one of the others as well is told there. Returns it."""
        owner, zh, en = names
        try:
            gap = self._gap(subject, others)
        except Undecided as error:
            yield gave_up(owner, "gap", error)
            return None
        if gap is not None:
            shown = counterexample(self._case(subject, gap.at))
            day_zh, day_en = _WEEKDAYS[gap.at.weekday()]
            zh, en = f"{zh} 的订单", f"An order of {en} earns nothing"
            if gap.always:
                zh = f"{zh}不得任何积分"
            else:
                zh = f"{zh}有时不得任何积分，例如 {gap.at:%Y-%m-%d}（{day_zh}）{gap.at:%H:%M}"
                en = f"{en} at some moments, such as {day_en} {gap.at:%Y-%m-%d} at {gap.at:%H:%M}"
            yield finding("gap", [], zh, en, shown)
        return gap

    # --- the search ---

    def _gap(self, subject: Subject, others: Sequence[Subject]) -> Gap | None:
        """A moment at which an order earns nothing, and those of the others something; None: there is none.

        Raises:
            Undecided: neither was found.
        """
        usual = usual_moment(self._space.program)
        giving = self._giving(subject, usual)
        if any(all(self._is_timeless(each) for each in (rule, *self._spoilers(rule))) for rule in giving):
            return None
        self._searches += 1
        if self._searches > MOST_SEARCHES:
            zh = f"需要在所有时刻逐一核对的订单超过 {MOST_SEARCHES} 个"
            raise Undecided(zh, f"more than {MOST_SEARCHES} orders would have to be followed through all moments")
        solver = self._solver(subject)
        if not giving and not self._can_match(solver, self._base):
            return Gap(usual, always=True)
        begin = self._begin(solver)
        if begin is not None:
            solver.add(self._space.encoder.moment.minutes >= begin)
        for _ in range(MOST_TRIES):
            if not self._space.asker.is_possible(solver):
                return None
            model = self._usual_model(solver)
            local = self._space.encoder.moment.of_model(model, self._space.program.zone)
            giving = self._giving(subject, local)
            if giving:
                solver.add(z3.Not(self._gives_again(giving, model)))
            elif all(self._giving(each, local) for each in others):
                return Gap(local)
            else:
                # Told of the other. What is left are moments at which other rules match, and other days of the week:
                # that the same rules match does not say that they do for the other as well.
                weekday = self._space.encoder.moment.weekday
                is_same_day = weekday == model.eval(weekday, model_completion=True)
                solver.add(z3.Not(z3.And(self._as_in(model, self._rules), is_same_day)))
        raise Undecided(f"已试过 {MOST_TRIES} 个时刻", f"{MOST_TRIES} moments were tried")

    def _case(self, subject: Subject, local: datetime) -> Case:
        document = self._space.program.document
        lines = [OrderLine("1", 1, PAID_CENTS, category=subject.category)]
        order = Order("check", document.currency, lines)
        tiers = {each.id: subject.tier for each in document.tier_sets[:1] if subject.tier}
        member = MemberFacts(tier=subject.tier, orders=1, spent_cents_total=1, days_since_last_order=1, tiers=tiers)
        return Case(RatedEvent(ORDER_COMPLETED, local.astimezone(UTC), "check", order, lines), member)

    def _giving(self, subject: Subject, local: datetime) -> list[CompiledRule]:
        """The rules that give points for an order at a moment."""
        self._space.asker.charge(STEPS_OF_RATED_RULE * len(self._rules))
        awards = replay(self._space.program, self._case(subject, local)).awards
        names = {award.rule for award in awards if award.points}
        return [rule for rule in self._base if rule.id in names]

    def _solver(self, subject: Subject) -> Any:
        """A solver that knows everything of an order but its moment."""
        space, encoder = self._space, self._space.encoder
        solver = space.asker.solver(encoder.context)
        facts = facts_of(space.program, self._case(subject, usual_moment(space.program)))
        for rule in self._rules:
            # Lists that rules ask for are known once their formulas are made.
            space.matches(rule, LINE_PREFIX)
        solver.add(*encoder.moment.bounds, *encoder.known_facts(facts, but="now"))
        return solver

    def _can_match(self, solver: Any, rules: Sequence[CompiledRule]) -> bool:
        """Whether any of the rules matches at any moment."""
        solver.push()
        solver.add(self._space.encoder.any_of(*(self._space.matches(each, LINE_PREFIX) for each in rules)))
        possible = self._space.asker.is_possible(solver)
        solver.pop()
        return possible

    def _begin(self, solver: Any) -> int | None:
        """From which local minute on the first rule may give something: what comes before it is no gap."""
        first = minutes_at(usual_moment(self._space.program)) // MINUTES_OF_DAY * MINUTES_OF_DAY
        starts: dict[int, list[CompiledRule]] = {}
        for rule in self._base:
            windows = windows_of(rule, self._space.program)
            since = [each.since.astimezone(self._space.program.zone) for _, each in windows if each.since is not None]
            starts.setdefault(max([first, *(minutes_at(each) for each in since)]), []).append(rule)
        return next((start for start in sorted(starts) if self._can_match(solver, starts[start])), None)

    def _usual_model(self, solver: Any) -> Any:
        """A moment that looks usual, where there is such."""
        model = self._space.asker.usual_model(solver, self._space.encoder.moment.usual())
        solver.pop(solver.num_scopes())
        return model

    # --- which moments are alike ---

    def _gives_again(self, giving: Sequence[CompiledRule], model: Any) -> Any:
        """The formula of moments at which one of these rules gives something as it did in a model."""
        encoder = self._space.encoder
        for rule in sorted(giving, key=lambda each: len(self._spoilers(each))):
            terms = [self._space.matches(rule, LINE_PREFIX), self._as_in(model, self._spoilers(rule))]
            if rule.formula is not None:
                terms += [formula_gives_points(encoder, rule), encoder.formula(rule.formula.root) >= 1]
            again = z3.And(*terms)
            if z3.is_true(model.eval(again, model_completion=True)):
                return again
        raise Undecided("规则的条件不能全部求解", "what rules ask is not wholly known")

    def _as_in(self, model: Any, rules: Sequence[CompiledRule]) -> Any:
        """The formula of moments at which those of the rules match that do in a model."""
        matches = [self._space.matches(rule, LINE_PREFIX) for rule in rules]
        return self._space.encoder.all_of(*(each == model.eval(each, model_completion=True) for each in matches))

    def _spoilers(self, rule: CompiledRule) -> list[CompiledRule]:
        """The rules that may leave a rule with nothing: others of its group, and coefficients below one."""
        return [
            each
            for each in self._rules
            if (each.is_coefficient and multiplies(each, rule) and each.factor[0] < each.factor[1])
            or (each is not rule and not each.is_coefficient and _compete(each, rule))
        ]

    def _is_timeless(self, rule: CompiledRule) -> bool:
        """Whether a rule asks nothing of the moment."""
        asks = any(name.startswith(("now", "member.is_birthday", "member.in_birthday")) for name in rule.names)
        return not asks and not windows_of(rule, self._space.program)


def _compete(one: CompiledRule, other: CompiledRule) -> bool:
    return one.group is not None and one.group == other.group and one.group.pick != "sum"


def _reads_into_texts(node: Node) -> bool:
    """Whether a part of a condition asks more of a fact that is a text than which one it is."""
    return (
        isinstance(node, Call)
        and any(each.type == "string" and not isinstance(each, Constant) for each in node.arguments)
        and node.function not in ("_==_", "_!=_", "@in", "_?_:_")
    )
