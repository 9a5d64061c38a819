"""Members about whom the conditions beside rules ask: those of tiers, rewards, prices, lotteries, flows and campaigns.

What is found of such a condition is shown by a member. No rule asks these conditions, so there is no event that tells
them apart; the one that comes with the member is an ordinary order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import z3

from jifen.analytics.proofs.asking import Asker
from jifen.analytics.proofs.encoding import Encoder
from jifen.analytics.proofs.evaluation import has_value
from jifen.analytics.proofs.examples import Case, Reader, ordinary_order, usual_moment
from jifen.analytics.proofs.known import what_there_is
from jifen.analytics.proofs.places import Place
from jifen.core.conditions import Condition
from jifen.core.conditions.syntax import Node, conjuncts
from jifen.core.conditions.vocabulary import FieldType
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.program import Program
from jifen.core.redemption.checks import MAXIMUM_PIECES
from jifen.core.redemption.offers import REDEMPTION_NAMES
from jifen.core.rules.facts import EVENT_NAMES, MemberFacts, Moment, member_names, readers_of
from jifen.core.tiers.document import Lifetime
from jifen.core.tiers.sets import OpenTierSet, tier_names


class Beside:
    """The members of a program: as tiers see them, and as whatever else asks beside rules does."""

    def __init__(self, program: Program, asker: Asker) -> None:
        document = program.document
        self.program = program
        self.asker = asker
        types: dict[str, FieldType] = member_names(document.fields, [each.id for each in document.tier_sets])
        types |= {name: each for name, each in EVENT_NAMES.items() if name.startswith("now")} | REDEMPTION_NAMES
        self._types = types
        self._members = Encoder("", document.currency, types)
        self._types_of_tiers = tier_names(program.wallet_numbers, document.fields)
        self._tiers = {each.id: Encoder("", document.currency, self._types_of_tiers) for each in program.tier_sets}

    def encoder_of(self, place: Place) -> Encoder:
        """The facts that a condition asks for."""
        tier_set = self._tier_set(place)
        return self._members if tier_set is None else self._tiers[tier_set.id]

    def solver(self, place: Place, conditions: Sequence[Condition], wanted: Sequence[Any] = ()) -> Any:
        """A solver that knows what holds of all members, as far as these conditions beside that at the place ask."""
        encoder, tier_set = self.encoder_of(place), self._tier_set(place)
        asked = [place.condition, *conditions]
        solver = self.asker.solver(encoder.context)
        solver.add(*wanted, *(_redemptions(encoder) if tier_set is None else _counts(encoder, tier_set)))
        known = what_there_is(self.program, encoder, {name for each in asked for name in each.names})
        names = {name for each in asked for name in each.names} | {*known.names}
        solver.add(*known.formulas, *encoder.bounds(names, asked, known.tests))
        return solver

    def meets(self, place: Place, root: Node) -> Any:
        """The formula of a member for whom a condition holds."""
        encoder = self.encoder_of(place)
        return z3.And(encoder.formula(root), has_value(encoder, root))

    def telling(self, place: Place, mended: Node, also: Iterable[Node] = ()) -> Case | None:
        """A member of whom a condition says something else than it would if it were mended; None: none was found.
        `also`: conditions that hold of the member."""
        differs = z3.Xor(self.meets(place, place.condition.root), self.meets(place, mended))
        solver = self.solver(place, [], [differs, *(self.encoder_of(place).formula(each) for each in also)])
        return self.case(place, solver.model()) if self.asker.check(solver) == z3.sat else None

    def closest(self, place: Place, conditions: Sequence[Condition] = ()) -> Case:
        """A member who meets as much of conditions that never hold as can be met at once."""
        solver = self.solver(place, conditions)
        if self.asker.check(solver) != z3.sat:
            return ordinary_order(self.program)
        roots = [each.root for each in (place.condition, *conditions)]
        terms = [self.meets(place, term) for root in roots for term in conjuncts(root)]
        return self.case(place, self.asker.usual_model(solver, terms))

    def facts(self, place: Place, model: Any) -> dict[str, Any]:
        """What a condition is asked with for what a model describes."""
        encoder, case = self.encoder_of(place), self.case(place, model)
        types = self._types if self._tier_set(place) is None else self._types_of_tiers
        reader, moment = Reader(model, encoder), Moment(case.event.occurred_at, self.program.zone)
        names = place.condition.names
        told = {name: read(case.member, moment) for name, read in readers_of(names, types).items()}
        # What no member's facts say: of redemptions, and what tiers count.
        return {name: reader.value(name, types[name]) for name in names if name not in told} | told

    def case(self, place: Place, model: Any) -> Case:
        """The member that a model describes, with an ordinary order."""
        encoder, tier_set = self.encoder_of(place), self._tier_set(place)
        is_timed = any(name.startswith(("now.", "member.is_birthday")) for name in place.condition.names)
        local = encoder.moment.of_model(model, self.program.zone) if is_timed else usual_moment(self.program)
        reader = Reader(model, encoder)
        member = reader.member(local)
        if tier_set is not None:
            member = self._with_tier(tier_set, reader, member, local)
        event = ordinary_order(self.program).event
        return Case(msgspec.structs.replace(event, occurred_at=local.astimezone(UTC)), member)

    def _with_tier(self, tier_set: OpenTierSet, reader: Reader, member: MemberFacts, local: datetime) -> MemberFacts:
        """The member with what tiers count, and with the tier that is really reached by it."""
        types = self._types_of_tiers
        moment = Moment(local.astimezone(UTC), self.program.zone)
        facts: dict[str, Any] = {name: reader.number(name) for name in tier_set.names if types[name] == "int"}
        facts |= {name: read(member, moment) for name, read in readers_of(tier_set.names, types).items()}
        reached = [each.id for each in tier_set.tiers if each.is_reached(facts)]
        tier = reached[-1] if reached else tier_set.base
        orders = max(member.orders, reader.number("total.orders"))
        return msgspec.structs.replace(
            member,
            orders=orders,
            spent_cents_total=max(member.spent_cents_total, reader.number("total.spent_cents")),
            spent_cents_year=max(member.spent_cents_year, reader.number("period.spent_cents")),
            days_since_last_order=max(member.days_since_last_order, 0) if orders else -1,
            tiers={tier_set.id: tier} if tier else {},
            tier=tier if tier_set is self.program.tier_sets[0] else "",
        )

    def _tier_set(self, place: Place) -> OpenTierSet | None:
        kind, _, name = place.owner.partition(":")
        if kind != "tier":
            return None
        return next(each for each in self.program.tier_sets if each.id == name.partition(":")[0])


def _redemptions(encoder: Encoder) -> list[Any]:
    """What holds of every redemption."""
    points, cents, pieces = (encoder.number(f"redemption.{name}") for name in ("points", "cash_cents", "quantity"))
    amounts = [z3.And(each >= 0, each <= MAXIMUM_AMOUNT) for each in (points, cents)]
    return [*amounts, pieces >= 1, pieces <= MAXIMUM_PIECES]


def _counts(encoder: Encoder, tier_set: OpenTierSet) -> Iterator[Any]:
    """What a period has is part of what there ever was, and with a lifelong period the same."""
    is_lifetime = isinstance(tier_set.document.period, Lifetime)
    for name in ("orders", "spent_cents"):
        period, total = encoder.number(f"period.{name}"), encoder.number(f"total.{name}")
        yield z3.And(period >= 0, period <= total, total <= MAXIMUM_AMOUNT)
        if is_lifetime:
            yield period == total
