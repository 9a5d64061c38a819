"""What can be seen without a solver: names that do not exist, yuan taken for cents, clocks read in another zone."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from itertools import islice, product
from typing import Final

import msgspec

from jifen.analytics.proofs.beside import Beside
from jifen.analytics.proofs.clocks import utc_clocks
from jifen.analytics.proofs.dimensions import LISTS, compared_texts, texts_of
from jifen.analytics.proofs.places import PlaceInFile, Places
from jifen.analytics.proofs.report import Finding
from jifen.analytics.proofs.slips import AnySlips, Slips, SlipsBeside, slip_told
from jifen.analytics.proofs.space import Space
from jifen.core.conditions.code import code_of
from jifen.core.conditions.syntax import Call, Constant, ListLiteral, Member, Name, Node, walk
from jifen.core.nearest import asking, nearest
from jifen.core.program import Program
from jifen.core.rules.book import CompiledRule

#: An amount below this many cents in a comparison is most likely meant in yuan.
SMALL_CENTS = 1_000
#: One cent is how one asks whether anything was paid.
LEAST_CENTS = 2
#: So many amounts of one comparison are told: whoever mends the first of a long list sees what the others need.
MOST_OF_ONE = 5
#: Currencies without a smaller unit: there, amounts are whole units.
WHOLE_CURRENCIES = frozenset(
    [
        *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
        *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
    ]
)
_ARITHMETIC: Final = {"_+_": operator.add, "_-_": operator.sub, "_*_": operator.mul}
_COMPARISONS = ("_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_")


def unknown_references(program: Program, place: PlaceInFile, slips: AnySlips) -> Iterator[Finding]:
    """Texts that a condition compares with and that the catalog, or the program, does not have; with an event
    (`slips`) of a text that it has, and that was meant, as far as one can tell."""
    for node, constant in compared_texts(place.place.condition.root):
        name, text = _shown_name(node), str(constant.value)
        known = texts_of(program, name)
        if known and text and text not in known:
            meant = nearest(text, known)
            where_zh, where_en = ("目录", "the catalog") if name in LISTS else ("积分计划", "the program")
            zh, en = place.name(constant.position)
            zh = f"{zh}提到 {name} {text!r}，{where_zh}中没有"
            en = f"{en} names {name} {text!r}, which {where_en} does not have"
            zh, en = asking(zh, en, meant)
            mended = msgspec.structs.replace(constant, value=meant or known[0])
            shown = slips.shown(place.place, mended, _without(node, constant))
            yield slip_told("unknown_reference", place.place.owner, zh, en, shown, place.at(constant.position))


def _without(node: Name | Member, constant: Constant) -> list[Node]:
    """That a fact is not, or does not hold, a text. Of a line within a quantifier nothing can be said."""
    match node:
        case Name(type="strings"):
            held = Call("bool", "@in", "in_list", (constant, node), node.position)
            return [Call("bool", "!_", "logical_not", (held,), node.position)]
        case Name():
            return [Call("bool", "_!=_", "not_equals", (node, constant), node.position)]
        case Member():
            return []


def _shown_name(node: Name | Member) -> str:
    return node.field if isinstance(node, Member) else node.name.removeprefix("line.")


def magnitudes(program: Program, place: PlaceInFile, slips: AnySlips) -> Iterator[Finding]:
    """Amounts in cents that are compared with a number of the size of yuan; with an event for which it matters
    (`slips`)."""
    if program.document.currency in WHOLE_CURRENCIES:
        return
    for name, (cents, node) in _compared_cents(place.place.condition.root):
        zh, en = place.name(node.position)
        zh = f"{zh}把 {name} 与 {cents} 分比较；若指 {cents} 元，请写 {cents * 100}"
        en = f"{en} compares {name} with {cents} cents; if {cents} whole units are meant, write {cents * 100}"
        shown = slips.shown(place.place, _in_whole_units(node))
        yield slip_told("magnitude", place.place.owner, zh, en, shown, place.at(node.position))


def _in_whole_units(node: Node) -> Node:
    """A number of cents, taken for one of whole units."""
    if isinstance(node, Constant):
        return msgspec.structs.replace(node, value=int(node.value) * 100)
    return Call("int", "_*_", "multiply_int64", (node, Constant("int", 100, node.position)), node.position)


def small_steps(rule: CompiledRule, slips: Slips, places: Places) -> Iterator[Finding]:
    """Steps of a rule that begin at a number of the size of yuan."""
    for field in ("steps", "progressive"):
        steps = getattr(rule.document, field)
        for number, each in enumerate(steps.rates if steps is not None else ()):
            if LEAST_CENTS <= each.from_cents < SMALL_CENTS:
                path, cents = f"{field}.rates[{number}].from_cents", each.from_cents
                zh = f"规则 {rule.id} 的 {path} 是 {cents} 分；若指 {cents} 元，请写 {cents * 100}"
                en = f"{path} of {rule.id} is {cents} cents; if {cents} whole units are meant, write {cents * 100}"
                yield slip_told(
                    "magnitude", rule.id, zh, en, slips.at_amount(cents * 100 - 1), places.at_field(rule, path)
                )


def _compared_cents(root: Node) -> Iterator[tuple[str, tuple[int, Node]]]:
    """Names of money and the small numbers that they are compared with, each with its part."""
    for node in walk(root):
        if isinstance(node, Call) and node.function in (*_COMPARISONS, "@in"):
            names = [_shown_sum(each) for each in node.arguments if _is_money(each)]
            for each in node.arguments if names else ():
                small = (found for found in _numbers(each) if LEAST_CENTS <= found[0] < SMALL_CENTS)
                yield from ((names[0], found) for found in islice(small, MOST_OF_ONE))


def _is_money(node: Node) -> bool:
    """Whether something is an amount: a fact in cents, or a sum, difference or choice with such a fact in it."""
    match node:
        case Name() | Member():
            return "cents" in _shown_name(node).split(".")[-1]
        case (
            Call(function="_+_" | "_-_" | "-_", arguments=arguments) | Call(function="_?_:_", arguments=(_, *arguments))
        ):
            return any(_is_money(each) for each in arguments)
    return False


def _shown_sum(node: Node) -> str:
    return _shown_name(node) if isinstance(node, Name | Member) else code_of(node)


def _numbers(node: Node) -> Iterator[tuple[int, Node]]:
    """The numbers that an expression of constants can come to, with their parts: sums and products worked out, both
    branches of a choice, each element of a list."""
    match node:
        case Constant(type="int", value=int(value)):
            yield value, node
        case Call(function="_?_:_", arguments=(_, yes, no)):
            yield from _numbers(yes)
            yield from _numbers(no)
        case ListLiteral(elements=elements):
            for each in elements:
                yield from _numbers(each)
        case Call(function=function, arguments=(left, right)) if function in _ARITHMETIC:
            for (one, _), (other, _) in product(_numbers(left), _numbers(right)):
                yield _ARITHMETIC[function](one, other), node


def plain_findings(beside: Beside, spaces: Iterable[Space], places: Places) -> Iterator[Finding]:
    """All of these, for all rules and for every condition beside them."""
    program = beside.program
    for space in spaces:
        for rule in program.books[space.event_type].rules:
            slips = Slips(space, rule)
            if program.document.currency not in WHOLE_CURRENCIES:
                yield from small_steps(rule, slips, places)
            for place in places.of_rule(rule):
                yield from _of_place(program, place, slips)
    for place in places.beside_rules():
        yield from _of_place(program, place, SlipsBeside(beside))


def _of_place(program: Program, place: PlaceInFile, slips: AnySlips) -> Iterator[Finding]:
    yield from unknown_references(program, place, slips)
    yield from magnitudes(program, place, slips)
    yield from utc_clocks(program, place, slips)
