"""Which texts a fact can have: those that the program declares for it, and those that conditions compare it with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, get_args

from jifen.analytics.proofs.encoding import LINE_PREFIX
from jifen.analytics.proofs.known import FIELDS
from jifen.analytics.proofs.places import places_of_rule
from jifen.core.conditions.fields import LINE_FIELDS
from jifen.core.conditions.syntax import Call, Constant, ListLiteral, Member, Name, Node, Quantifier, children_of
from jifen.core.program import Program
from jifen.core.redemption.document import RewardKind
from jifen.core.rules.facts import TIERS

#: The lists of the catalog, by the facts whose texts they hold.
LISTS: Final = {
    "sku": "skus",
    "category": "categories",
    "brand": "brands",
    "event.data.sku": "skus",
    "order.channel": "channels",
    "order.store_id": "stores",
    "member.channel": "channels",
    "member.tags": "tags",
    "member.segments": "segments",
}
#: So many of the texts that are declared for a fact are enough to show something with.
MOST_SHOWN: Final = 5
NO_RANGES: Final[Mapping[str, Node]] = {}


def texts_of(program: Program, name: str) -> list[str]:
    """The texts that a name can have, as far as the program says; empty: any."""
    document = program.document
    if name == "member.tier":
        return [tier.id for tier in document.tiers]
    if name.startswith(TIERS):
        return next(list(each.ranks) for each in program.tier_sets if each.id == name.removeprefix(TIERS))
    if name.startswith(FIELDS):
        field = next(each for each in document.fields if each.id == name.removeprefix(FIELDS))
        return [str(each.value) for each in field.choices]
    if name == "redemption.reward":
        return [each.id for each in document.rewards]
    if name == "redemption.kind":
        return list(get_args(RewardKind))
    listed: list[str] = getattr(document.catalog, LISTS.get(name, ""), [])
    return listed


def own_texts(program: Program, event_type: str) -> dict[str, list[str]]:
    """By the names of facts that are texts: some of those that the program declares, and all that rules ask for."""
    book = program.books[event_type]
    types = {**book.field_types, **{f"{LINE_PREFIX}{field}": kind for field, kind in LINE_FIELDS.items()}}
    names = [name for name, kind in types.items() if kind == "string"]
    found = {name: texts_of(program, name.removeprefix(LINE_PREFIX))[:MOST_SHOWN] for name in names}
    for rule in book.rules:
        for place in places_of_rule(rule):
            for node, constant in compared_texts(place.condition.root):
                name = f"{LINE_PREFIX}{node.field}" if isinstance(node, Member) else node.name
                if name in found and constant.value not in found[name]:
                    found[name].append(str(constant.value))
    return found


def compared_texts(node: Node, ranges: Mapping[str, Node] = NO_RANGES) -> Iterator[tuple[Name | Member, Constant]]:
    """Facts and the constants that they are compared with. `ranges`: over what the variables of quantifiers go, which
    stand for it."""
    if isinstance(node, Quantifier):
        yield from compared_texts(node.range, ranges)
        yield from compared_texts(node.condition, {**ranges, node.variable: node.range})
        return
    if isinstance(node, Call) and node.function in ("_==_", "_!=_", "@in"):
        sides = [ranges.get(each.name, each) if isinstance(each, Name) else each for each in node.arguments]
        constants = [each for side in sides for each in _elements(side) if isinstance(each, Constant)]
        for named in (each for each in sides if isinstance(each, Name | Member)):
            yield from ((named, each) for each in constants if each.type == "string")
    for child in children_of(node):
        yield from compared_texts(child, ranges)


def _elements(node: Node) -> tuple[Node, ...]:
    return node.elements if isinstance(node, ListLiteral) else (node,)
