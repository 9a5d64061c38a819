"""What can be seen without a solver: names that do not exist, yuan taken for cents, caps that never bind, gaps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from difflib import get_close_matches

from jifen.analytics.proofs.examples import FIRST_DAY, Case, counterexample, replay
from jifen.analytics.proofs.report import Finding, finding
from jifen.core.conditions.syntax import Call, Constant, ListLiteral, Member, Name, Node, walk
from jifen.core.orders import Order, OrderLine
from jifen.core.program import Program
from jifen.core.rules.book import CompiledRule
from jifen.core.rules.document import ORDER_COMPLETED
from jifen.core.rules.facts import MemberFacts, RatedEvent

#: An amount below this many cents in a comparison is most likely meant in yuan.
SMALL_CENTS = 1_000
_COMPARISONS = ("_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_")
_LISTS = {
    "sku": "skus",
    "category": "categories",
    "brand": "brands",
    "order.channel": "channels",
    "order.store_id": "stores",
    "member.tags": "tags",
    "member.segments": "segments",
}


def conditions_of(rule: CompiledRule) -> Iterator[tuple[str, Node]]:
    """The trees of a rule's conditions, with the field each stands in."""
    for field, condition in (("when", rule.when), ("lines", rule.lines), ("formula", rule.formula)):
        if condition is not None:
            yield field, condition.root
    for condition in rule.audiences:
        yield "audience", condition.root


def unknown_references(program: Program, rule: CompiledRule) -> Iterator[Finding]:
    """Texts that conditions compare with and that the catalog does not have."""
    catalog = program.document.catalog
    for field, root in conditions_of(rule):
        for name, text in _compared_texts(root):
            if name == "member.tier":
                known = [tier.id for tier in catalog.tiers]
            else:
                known = getattr(catalog, _LISTS.get(name, ""), [])
            if known and text and text not in known:
                near = get_close_matches(text, known, 1)
                hint_zh, hint_en = (f"，是否为 {near[0]}", f"; did you mean {near[0]}") if near else ("", "")
                zh = f"规则 {rule.id} 的 {field} 提到 {name} {text!r}，目录中没有{hint_zh}"
                en = f"The {field} of {rule.id} names {name} {text!r}, which the catalog does not have{hint_en}"
                yield finding("unknown_reference", [rule.id], zh, en)


def _compared_texts(root: Node) -> Iterator[tuple[str, str]]:
    for node in walk(root):
        if not isinstance(node, Call) or node.function not in ("_==_", "_!=_", "@in"):
            continue
        constants = [each for each in node.arguments if isinstance(each, Constant)]
        for each in node.arguments:
            if isinstance(each, ListLiteral):
                constants += [element for element in each.elements if isinstance(element, Constant)]
        for name in (_name_of(each) for each in node.arguments):
            if name is not None:
                yield from ((name, str(each.value)) for each in constants if each.type == "string")


def _name_of(node: Node) -> str | None:
    if isinstance(node, Member):
        return node.field
    return node.name.removeprefix("line.") if isinstance(node, Name) else None


def magnitudes(rule: CompiledRule) -> Iterator[Finding]:
    """Amounts in cents that are compared with a number of the size of yuan."""
    for field, root in conditions_of(rule):
        for node in walk(root):
            if not isinstance(node, Call) or node.function not in _COMPARISONS:
                continue
            names = [
                name for each in node.arguments if (name := _name_of(each)) and name.split(".")[-1].find("cents") >= 0
            ]
            for each in node.arguments:
                if (
                    names
                    and isinstance(each, Constant)
                    and isinstance(each.value, int)
                    and 0 < each.value < SMALL_CENTS
                ):
                    zh = (
                        f"规则 {rule.id} 的 {field} 把 {names[0]} 与 {each.value} 分比较；"
                        f"若指 {each.value} 元，请写 {each.value * 100}"
                    )
                    en = (
                        f"The {field} of {rule.id} compares {names[0]} with {each.value} cents; "
                        f"if {each.value} whole units are meant, write {each.value * 100}"
                    )
                    yield finding("magnitude", [rule.id], zh, en)


def idle_caps(rule: CompiledRule) -> Iterator[Finding]:
    """Caps for one event that no award of a rule can reach."""
    fixed = rule.fixed
    for cap in rule.document.caps:
        if cap.period != "event":
            continue
        never = cap.limit == "count" and cap.most >= 1
        never = never or (
            cap.limit == "points" and fixed is not None and fixed.per == "event" and fixed.points <= cap.most
        )
        if never:
            zh = f"规则 {rule.id} 的每次上限（{cap.limit} {cap.most}）永远不会起作用"
            en = f"The cap of {rule.id} for each event ({cap.limit} {cap.most}) can never bind"
            yield finding("idle_cap", [rule.id], zh, en)


def gaps(program: Program) -> Iterator[Finding]:
    """Categories and tiers of the catalog for which an order of 1,000.00 earns nothing."""
    catalog = program.document.catalog
    for category in catalog.categories:
        yield from _gap(program, f"类目 {category}", f"the category {category}", category, "")
    for tier in catalog.tiers:
        usual = catalog.categories[0] if catalog.categories else None
        yield from _gap(program, f"等级 {tier.id}", f"the tier {tier.id}", usual, tier.id)


def _gap(program: Program, zh: str, en: str, category: str | None, tier: str) -> Iterator[Finding]:
    lines = [OrderLine("1", 1, 100_000, category=category)]
    order = Order("check", program.document.currency, lines)
    instant = datetime.combine(FIRST_DAY, time(12), tzinfo=program.zone).astimezone(UTC)
    member = MemberFacts(tier=tier, orders=1, spent_cents_total=1, days_since_last_order=1)
    case = Case(RatedEvent(ORDER_COMPLETED, instant, "check", order, lines), member)
    if not any(award.points for award in replay(program, case).awards):
        yield finding("gap", [], f"{zh} 的订单不得任何积分", f"An order of {en} earns nothing", counterexample(case))


def plain_findings(program: Program) -> list[Finding]:
    """All of these, for all rules."""
    found: list[Finding] = []
    for book in program.books.values():
        for rule in book.rules:
            found += [*unknown_references(program, rule), *magnitudes(rule), *idle_caps(rule)]
    return found + (list(gaps(program)) if ORDER_COMPLETED in program.books else [])
