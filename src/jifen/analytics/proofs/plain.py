"""What can be seen without a solver: names that do not exist, yuan taken for cents."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from itertools import product
from typing import Final, get_args

from jifen.analytics.proofs.places import Place, places_beside_rules, places_of_rule
from jifen.analytics.proofs.report import Finding, finding
from jifen.core.conditions.syntax import Call, Constant, ListLiteral, Member, Name, Node, walk
from jifen.core.decide.convert import fee_of
from jifen.core.nearest import asking, nearest
from jifen.core.program import Program
from jifen.core.redemption.document import RewardKind
from jifen.core.rules.book import CompiledRule
from jifen.core.rules.facts import TIERS

#: An amount below this many cents in a comparison is most likely meant in yuan.
SMALL_CENTS = 1_000
#: One cent is how one asks whether anything was paid.
LEAST_CENTS = 2
#: Currencies without a smaller unit: there, amounts are whole units.
WHOLE_CURRENCIES = frozenset(
    [
        *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
        *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
    ]
)
#: What stands before the id of a field of members in its name.
FIELDS = "member.fields."
_ARITHMETIC: Final = {"_+_": operator.add, "_-_": operator.sub, "_*_": operator.mul}
_COMPARISONS = ("_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_")
_LISTS = {
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


def unknown_references(program: Program, place: Place) -> Iterator[Finding]:
    """Texts that a condition compares with and that the catalog, or the program, does not have."""
    for name, constant in _compared_texts(place.condition.root):
        text = str(constant.value)
        known = _known(program, name)
        if known and text and text not in known:
            where_zh, where_en = ("目录", "the catalog") if name in _LISTS else ("积分计划", "the program")
            zh, en = place.name(constant.position)
            zh = f"{zh}提到 {name} {text!r}，{where_zh}中没有"
            en = f"{en} names {name} {text!r}, which {where_en} does not have"
            zh, en = asking(zh, en, nearest(text, known))
            yield finding("unknown_reference", [place.owner], zh, en)


def _known(program: Program, name: str) -> list[str]:
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
    listed: list[str] = getattr(document.catalog, _LISTS.get(name, ""), [])
    return listed


def _compared_texts(root: Node) -> Iterator[tuple[str, Constant]]:
    for node in walk(root):
        if not isinstance(node, Call) or node.function not in ("_==_", "_!=_", "@in"):
            continue
        constants = [each for each in node.arguments if isinstance(each, Constant)]
        for each in node.arguments:
            if isinstance(each, ListLiteral):
                constants += [element for element in each.elements if isinstance(element, Constant)]
        for name in (_name_of(each) for each in node.arguments):
            if name is not None:
                yield from ((name, each) for each in constants if each.type == "string")


def _name_of(node: Node) -> str | None:
    if isinstance(node, Member):
        return node.field
    return node.name.removeprefix("line.") if isinstance(node, Name) else None


def magnitudes(program: Program, place: Place) -> Iterator[Finding]:
    """Amounts in cents that are compared with a number of the size of yuan."""
    if program.document.currency in WHOLE_CURRENCIES:
        return
    for name, (cents, position) in _compared_cents(place.condition.root):
        zh, en = place.name(position)
        zh = f"{zh}把 {name} 与 {cents} 分比较；若指 {cents} 元，请写 {cents * 100}"
        en = f"{en} compares {name} with {cents} cents; if {cents} whole units are meant, write {cents * 100}"
        yield finding("magnitude", [place.owner], zh, en)


def small_steps(rule: CompiledRule) -> Iterator[Finding]:
    """Steps of a rule that begin at a number of the size of yuan."""
    for field in ("steps", "progressive"):
        steps = getattr(rule.document, field)
        for number, each in enumerate(steps.rates if steps is not None else ()):
            if LEAST_CENTS <= each.from_cents < SMALL_CENTS:
                path, cents = f"{field}.rates[{number}].from_cents", each.from_cents
                zh = f"规则 {rule.id} 的 {path} 是 {cents} 分；若指 {cents} 元，请写 {cents * 100}"
                en = f"{path} of {rule.id} is {cents} cents; if {cents} whole units are meant, write {cents * 100}"
                yield finding("magnitude", [rule.id], zh, en)


def _compared_cents(root: Node) -> Iterator[tuple[str, tuple[int, int]]]:
    """Names of money and the small numbers that they are compared with, each with its place."""
    for node in walk(root):
        if isinstance(node, Call) and node.function in (*_COMPARISONS, "@in"):
            names = [name for each in node.arguments if (name := _name_of(each)) and "cents" in name.split(".")[-1]]
            for each in node.arguments if names else ():
                small = (found for found in _numbers(each) if LEAST_CENTS <= found[0] < SMALL_CENTS)
                yield from ((names[0], found) for found in small)


def _numbers(node: Node) -> Iterator[tuple[int, int]]:
    """The numbers that an expression of constants can come to, with their places: sums and products worked out, both
    branches of a choice, each element of a list."""
    match node:
        case Constant(type="int", value=int(value), position=position):
            yield value, position
        case Call(function="_?_:_", arguments=(_, yes, no)):
            yield from _numbers(yes)
            yield from _numbers(no)
        case ListLiteral(elements=elements):
            for each in elements:
                yield from _numbers(each)
        case Call(function=function, arguments=(left, right), position=position) if function in _ARITHMETIC:
            for (one, _), (other, _) in product(_numbers(left), _numbers(right)):
                yield _ARITHMETIC[function](one, other), position


def lost_fees(program: Program) -> Iterator[Finding]:
    """Fees of a percentage that rounding makes nothing of: whoever converts little at a time, however often, pays none.
    What arrives of the fewest points is the least that ever does, so it is enough to look there."""
    for number, each in enumerate(program.document.conversions):
        gross = each.least_points * each.get // each.give
        if not each.fee_percent or fee_of(each, gross):
            continue
        path, percent = f"$.conversions[{number}].fee_rounding", each.fee_percent.normalize()
        zh = (
            f"{path} 是 {each.fee_rounding}：一次给出 {each.least_points} 积分，到账 {gross}，{percent:f} % "
            "的手续费取整为 0，分多次兑换就不用付手续费；去掉它（向上取整），或提高 least"
        )
        en = (
            f"{path} is {each.fee_rounding}: of {gross} points, which {each.least_points} come to, the fee of "
            f"{percent:f} % is rounded to nothing, so that whoever converts in small steps pays none; leave it out (it "
            "is rounded up then), or raise `least`"
        )
        yield finding("lost_fee", [f"conversion:{each.id}"], zh, en)


def plain_findings(program: Program) -> list[Finding]:
    """All of these, for all rules and for every condition beside them."""
    rules = [rule for book in program.books.values() for rule in book.rules]
    places = [place for rule in rules for place in places_of_rule(rule)]
    found: list[Finding] = list(lost_fees(program))
    if program.document.currency not in WHOLE_CURRENCIES:
        found += [each for rule in rules for each in small_steps(rule)]
    for place in [*places, *places_beside_rules(program)]:
        found += [*unknown_references(program, place), *magnitudes(program, place)]
    return found
