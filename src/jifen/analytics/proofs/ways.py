"""What points can be turned into: vouchers, money off at the checkout, other points, chances in lotteries.

Each way costs points of a wallet and gives cents and points of others. Money that is paid on top is taken off. A
lottery gives what it gives on average, by its odds, pity included; where a prize may run out, the dearer of it and what
is given in its place counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil, gcd

import msgspec

from jifen.core.decide.convert import fee_of
from jifen.core.draws.document import Draw, Prize
from jifen.core.program import Program, ProgramDocument
from jifen.core.redemption.document import Reward
from jifen.core.wallets.document import Conversion

#: How often pity steps in is known to a billionth, rounded up.
FINEST = 10**9
#: Fees are tried for so many steps; beyond, as little is taken as rounding allows.
MOST_STEPS = 10_000


class Way(msgspec.Struct, frozen=True):
    """For `points` of `source`, so many `cents` and, of other things, so many each.

    Things are wallets, `ticket:REWARD`, `draw:ID` (drawing once) and `draw:ID:PRIZE` (that prize, or what stands for
    it). `words`: the way in Chinese and in English. `is_limited`: a member gets it so many times only.
    """

    owner: str
    source: str
    points: int
    cents: Fraction
    gives: Mapping[str, Fraction] = {}
    words: tuple[str, str] = ("", "")
    is_limited: bool = False


class Unpriced(msgspec.Struct, frozen=True):
    """A percentage off: worth the more, the larger the order it is used for."""

    owner: str
    percent: int


def ways_of(program: Program) -> tuple[list[Way], list[Unpriced]]:
    """All ways of a program, and what has no worth of its own."""
    document = program.document
    rewards = {each.id: each for each in document.rewards}
    found: list[Way] = []
    unpriced: list[Unpriced] = []
    for reward in document.rewards:
        if not reward.retired:
            found += _bought(document, reward)
            if reward.coupon is not None and reward.coupon.face == "percent":
                unpriced.append(Unpriced(f"reward:{reward.id}", reward.coupon.percent))
    for draw in document.draws:
        if not draw.retired:
            found += _drawn(document, draw, rewards)
            coupons = [rewards[each.reward].coupon for each in draw.prizes if each.reward is not None]
            unpriced += [Unpriced(f"draw:{draw.id}", each.percent) for each in coupons if each and each.percent]
    found += [_converted(each) for each in document.conversions]
    if document.offset is not None:
        offset = document.offset
        paying = f"{offset.points} {offset.wallet}"
        words = (f"{paying} 抵 {offset.cents} 分", f"{paying} pay {offset.cents} cents")
        found.append(Way("offset", offset.wallet, offset.points, Fraction(offset.cents), words=words))
    return found, unpriced


def spendable_in(document: ProgramDocument) -> set[str]:
    """The wallets whose points buy something: a reward, money off at the checkout, a chance in a lottery, or points of
    another wallet that do."""
    default = document.wallets[0].id
    prices = [each.wallet for reward in document.rewards if not reward.retired for each in reward.prices]
    prices += [each.price.wallet for each in document.draws if not each.retired and each.price is not None]
    found = {wallet or default for wallet in prices}
    found |= {document.offset.wallet} if document.offset is not None else set()
    for _ in document.conversions:
        found |= {each.source for each in document.conversions if each.target in found}
    return found


def _bought(document: ProgramDocument, reward: Reward) -> Iterator[Way]:
    """A voucher for an amount, or a ticket, at each of its prices."""
    face, gives = 0, {}
    if reward.coupon is not None and reward.coupon.face == "fixed":
        face = reward.coupon.cents
    elif reward.kind == "lottery_ticket":
        gives = {f"ticket:{reward.id}": Fraction(1)}
    else:
        return
    for price in reward.prices:
        wallet = price.wallet or document.wallets[0].id
        zh, en = f"{price.points} {wallet}", f"{price.points} {wallet}"
        if price.cash_cents:
            zh, en = f"{zh} 加 {price.cash_cents} 分", f"{en} and {price.cash_cents} cents"
        words = (f"{zh} 换 {reward.id}", f"{en} buy {reward.id}")
        net = Fraction(face - price.cash_cents)
        is_limited = bool(reward.limits) or reward.kind == "add_on"
        yield Way(f"reward:{reward.id}", wallet, price.points, net, gives, words, is_limited)


def _converted(conversion: Conversion) -> Way:
    words = f"{conversion.give} {conversion.source} → {conversion.get} {conversion.target}"
    gives = {conversion.target: best_rate(conversion)}
    return Way(f"conversion:{conversion.id}", conversion.source, 1, Fraction(0), gives, (words, words))


def best_rate(conversion: Conversion) -> Fraction:
    """How many points arrive for one that is given, at best: small fees may be rounded away, and a fee that is the same
    for any amount counts for nothing in a large one."""
    rate = Fraction(conversion.get, conversion.give)
    if conversion.fee_percent is None:
        return rate
    numerator, denominator = conversion.fee_percent.as_integer_ratio()
    denominator *= 100
    step, first = conversion.step_points, conversion.least_points // conversion.step_points
    gross = step * conversion.get // conversion.give
    # From there on the same fractions come again, on top of whole points of fee.
    period = denominator // gcd(denominator, gross * numerator)
    if period > MOST_STEPS:
        return rate * (1 - max(Fraction(0), Fraction(numerator, denominator) - Fraction(1, first * gross)))
    fees = (Fraction(fee_of(conversion, steps * gross), steps * gross) for steps in range(first, first + period))
    return rate * (1 - min(fees))


# --- lotteries ---


def _drawn(document: ProgramDocument, draw: Draw, rewards: Mapping[str, Reward]) -> Iterator[Way]:
    owner, is_limited = f"draw:{draw.id}", bool(draw.limits)
    once = {owner: Fraction(1)}
    default = document.wallets[0].id
    if draw.price is not None or draw.ticket is None:
        points = 0 if draw.price is None else draw.price.points
        wallet = default if draw.price is None or draw.price.wallet is None else draw.price.wallet
        words = (f"{points} {wallet} 抽一次 {draw.id}", f"{points} {wallet} pay for {draw.id}")
        yield Way(owner, wallet, points, Fraction(0), once, words, is_limited)
    if draw.ticket is not None:
        yield Way(owner, f"ticket:{draw.ticket}", 1, Fraction(0), once)
    total = sum(each.weight for each in draw.prizes)
    shares = {f"{owner}:{each.id}": Fraction(each.weight, total) for each in draw.prizes}
    if draw.pity is not None:
        shares[f"{owner}:{draw.pity.prize}"] += _pity(draw, total)
    yield Way(owner, owner, 1, Fraction(0), shares)
    in_place = next(each for each in draw.prizes if each.id == draw.otherwise)
    for prize in draw.prizes:
        for each in [prize, in_place] if _may_run_out(draw, prize) else [prize]:
            cents, gives = _won(each, default, rewards)
            yield Way(owner, f"{owner}:{prize.id}", 1, cents, gives)


def _won(prize: Prize, default: str, rewards: Mapping[str, Reward]) -> tuple[Fraction, dict[str, Fraction]]:
    if prize.points:
        return Fraction(0), {prize.wallet or default: Fraction(prize.points)}
    reward = rewards[prize.reward] if prize.reward is not None else None
    if reward is not None and reward.kind == "lottery_ticket":
        return Fraction(0), {f"ticket:{reward.id}": Fraction(1)}
    if reward is not None and reward.coupon is not None and reward.coupon.face == "fixed":
        return Fraction(reward.coupon.cents), {}
    return Fraction(prize.cost_cents or 0), {}


def _may_run_out(draw: Draw, prize: Prize) -> bool:
    limits = (prize.stock, prize.daily, prize.per_member, draw.budget_cents, draw.daily_budget_cents)
    return prize.reward is not None or any(each is not None for each in limits)


def _pity(draw: Draw, total: int) -> Fraction:
    """In what share of all drawings a miss gives the prize of pity, in the long run, at most.

    After k misses in a row with the probability m^k, of 0 to `after`; of the last, a miss more.
    """
    assert draw.pity is not None
    missing = {each.id: each.is_nothing for each in draw.prizes}
    misses = sum(
        each.weight
        for each in draw.prizes
        if each.is_nothing or (missing[draw.otherwise] and each.id != draw.pity.prize and _may_run_out(draw, each))
    )
    miss = Fraction(misses, total)
    # Powers of exact fractions would have thousands of digits; rounded up, they bound what they stand for.
    powers = [Fraction(1)]
    for _ in range(draw.pity.after + 1):
        powers.append(Fraction(ceil(powers[-1] * miss * FINEST), FINEST))
    least = sum(
        (max(each - Fraction(number, FINEST), Fraction(0)) for number, each in enumerate(powers[:-1])), Fraction(0)
    )
    return Fraction(ceil(powers[-1] / least * FINEST), FINEST)
