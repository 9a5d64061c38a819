"""Points out of points, whatever orders earn: circles of conversions and lotteries, and vouchers for nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jifen.analytics.proofs.asking import Asker
from jifen.analytics.proofs.examples import Case, counterexample, ordinary_order, replay
from jifen.analytics.proofs.report import Finding, NotProven, finding, not_proven
from jifen.analytics.proofs.space import Space
from jifen.analytics.proofs.undecided import Undecided
from jifen.analytics.proofs.ways import Way
from jifen.analytics.proofs.worth import Worths, leading_to
from jifen.core.decide.convert import fee_of
from jifen.core.program import Program
from jifen.core.rules.book import CompiledRule
from jifen.core.rules.document import ORDER_COMPLETED


def points_of_points(worths: Worths, program: Program, asker: Asker) -> Iterator[Finding | NotProven]:
    """Ways that gain by themselves, and those of which that cannot be said."""
    for circle in worths.circles:
        owners = list(dict.fromkeys(each.owner for each in circle))
        zh, en = ("；".join(_words(circle, 0)), "; ".join(_words(circle, 1)))
        zh = f"积分会越换越多：{zh}"
        en = f"Points breed points: {en}"
        case = _earning(program, leading_to(worths.ways, circle), asker)
        yield finding("gaining_loop", owners, zh, en, counterexample(case))
    for each in worths.for_nothing:
        zh, en = each.words
        if each.is_limited:
            zh = f"gaining_loop：{zh}，不花积分就能得到；每人次数有限，未计入回馈率"
            yield not_proven(
                each.owner, zh, f"gaining_loop: {en}, for nothing; so often as its limits say, not counted"
            )
        else:
            zh, en = f"{zh}：不花积分，次数不限", f"{en}, for nothing and without limit"
            # Whoever orders something can use it; nothing need be earned before.
            yield finding("gaining_loop", [each.owner], zh, en, counterexample(ordinary_order(program)))
    for unpriced in worths.unpriced:
        zh = f"rate_exceeded：{unpriced.percent}% 的折扣券值多少取决于所用的订单，未计入"
        en = f"rate_exceeded: a coupon of {unpriced.percent} % is worth the more the larger the order: not counted"
        yield not_proven(unpriced.owner, zh, en)


def lost_fees(program: Program, asker: Asker) -> Iterator[Finding]:
    """Fees of a percentage that rounding makes nothing of: whoever converts little at a time, however often, pays none.
    What arrives of the fewest points is the least that ever does, so it is enough to look there. Shown by an event that
    earns what can be converted."""
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
        case = _earning(program, {each.source}, asker)
        yield finding("lost_fee", [f"conversion:{each.id}"], zh, en, counterexample(case))


def _words(circle: Sequence[Way], language: int) -> list[str]:
    return list(dict.fromkeys(each.words[language] for each in circle if each.words[language]))


def _earning(program: Program, things: set[str], asker: Asker) -> Case:
    """An event that earns the points with which it begins: an order, or another; any order where nothing earns them."""
    books = sorted(program.books.items(), key=lambda each: each[0] != ORDER_COMPLETED)
    for event_type, book in books:
        rules = [each for each in book.rules if not each.is_coefficient and program.wallet_ids[each.wallet] in things]
        if not rules:
            continue
        space = Space(program, event_type, asker)
        for rule in rules:
            case = _awarded(space, rule)
            if case is not None:
                return case
    return ordinary_order(program)


def _awarded(space: Space, rule: CompiledRule) -> Case | None:
    try:
        case = space.find([rule])
    except Undecided:
        return None
    if case is None:
        return None
    awards = replay(space.program, case).awards
    return case if any(each.points for each in awards if each.wallet == rule.wallet) else None
