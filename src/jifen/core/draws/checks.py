"""What of a program's lotteries makes no sense in itself, told with the field's path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jifen.core.draws.document import Draw, Prize
from jifen.core.draws.odds import Values, cost_of
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.redemption.document import Reward
from jifen.core.rules.faults import check_ids, check_number, check_range, check_text, invalid, unknown
from jifen.core.wallets.checks import Kinds, check_spendable, check_wallet

MAXIMUM_DRAWS = 100
MAXIMUM_PRIZES = 100
#: All weights together: small beside the 52 bits that are drawn, so that hardly a number is thrown away.
MAXIMUM_WEIGHT = 10**9
MAXIMUM_MISSES = 1_000


def check_draws(draws: Sequence[Draw], rewards: Sequence[Reward], kinds: Kinds, values: Values) -> None:
    """Raise InvalidProgram for the first field of the draws that makes no sense."""
    check_number("$.draws", draws, MAXIMUM_DRAWS)
    check_ids("$.draws", [each.id for each in draws])
    known, default = {each.id: each for each in rewards}, next(iter(kinds))
    for index, draw in enumerate(draws):
        path = f"$.draws[{index}]"
        check_text(f"{path}.name", draw.name)
        _check_prizes(f"{path}.prizes", draw, known, kinds)
        _check_payment(path, draw, known, kinds)
        _check_limits(path, draw)
        _check_budget(path, draw, default, values)
        _check_otherwise(f"{path}.otherwise", draw, default, values)
        _check_pity(f"{path}.pity", draw)


def _check_prizes(path: str, draw: Draw, rewards: Mapping[str, Reward], kinds: Kinds) -> None:
    check_number(path, draw.prizes, MAXIMUM_PRIZES, least=1)
    check_ids(path, [each.id for each in draw.prizes])
    for index, prize in enumerate(draw.prizes):
        place = f"{path}[{index}]"
        check_text(f"{place}.name", prize.name)
        check_range(f"{place}.weight", prize.weight, 0, MAXIMUM_WEIGHT)
        check_range(f"{place}.points", prize.points, 0, MAXIMUM_AMOUNT)
        _check_worth(place, prize, kinds)
        if prize.reward is not None:
            _check_reward(f"{place}.reward", prize.reward, rewards)
        for field in ("cost_cents", "stock", "daily", "per_member"):
            number: int | None = getattr(prize, field)
            if number is not None:
                check_range(f"{place}.{field}", number, 0, MAXIMUM_AMOUNT)
    total = sum(each.weight for each in draw.prizes)
    if not 1 <= total <= MAXIMUM_WEIGHT:
        raise invalid(
            path,
            f"have weights of {total} together; they must come to 1 to {MAXIMUM_WEIGHT}",
            f"权重合计 {total}；须为 1 至 {MAXIMUM_WEIGHT}",
        )


def _check_worth(path: str, prize: Prize, kinds: Kinds) -> None:
    if prize.reward is not None and prize.points:
        raise invalid(
            f"{path}.points",
            "stands beside a reward; a prize is one of the two",
            "与兑换品同时写了；一个奖项只能是其中之一",
        )
    if prize.wallet is not None:
        if not prize.points:
            raise invalid(f"{path}.wallet", "is given, but the prize has no points", "写了，但这个奖项没有积分")
        check_wallet(f"{path}.wallet", prize.wallet, kinds)


def _check_reward(path: str, reward_id: str, rewards: Mapping[str, Reward]) -> None:
    reward = rewards.get(reward_id)
    if reward is None:
        raise unknown(path, reward_id, rewards, "兑换品", "rewards")
    if reward.retired:
        raise invalid(path, f"is {reward_id!r}, which is retired", f"是 {reward_id!r}，它已下架")
    if reward.kind == "add_on":
        message = f"is {reward_id!r}, an add-on, which can be taken only with an order"
        raise invalid(path, message, f"是换购品 {reward_id!r}，只能随订单兑换")


def _check_payment(path: str, draw: Draw, rewards: Mapping[str, Reward], kinds: Kinds) -> None:
    if draw.price is not None:
        check_range(f"{path}.price.points", draw.price.points, 1, MAXIMUM_AMOUNT)
        check_spendable(f"{path}.price.wallet", draw.price.wallet or next(iter(kinds)), kinds)
    if draw.ticket is not None:
        reward = rewards.get(draw.ticket)
        if reward is None or reward.kind != "lottery_ticket" or reward.fulfilment != "none":
            en = "it must be a reward of the kind lottery_ticket that nobody has to deliver"
            zh = "须为种类 lottery_ticket、无需履约的兑换品"
            raise invalid(f"{path}.ticket", f"is {draw.ticket!r}; {en}", f"是 {draw.ticket!r}；{zh}")
    if draw.price is None and draw.ticket is None and not draw.limits:
        raise invalid(
            f"{path}.limits",
            "are missing: a draw that costs nothing says how often a member may draw",
            "没有写：免费的抽奖须写明每位会员可抽几次",
        )


def _check_limits(path: str, draw: Draw) -> None:
    periods = [each.period for each in draw.limits]
    for index, limit in enumerate(draw.limits):
        check_range(f"{path}.limits[{index}].most", limit.most, 0, MAXIMUM_AMOUNT)
        if periods.index(limit.period) != index:
            raise invalid(
                f"{path}.limits[{index}].period",
                f"is {limit.period} a second time",
                f"第二次是 {limit.period}；周期不得重复",
            )


def _has_budget(draw: Draw) -> bool:
    return draw.budget_cents is not None or draw.daily_budget_cents is not None


def _check_budget(path: str, draw: Draw, default: str, values: Values) -> None:
    for field in ("budget_cents", "daily_budget_cents"):
        most: int | None = getattr(draw, field)
        if most is not None:
            check_range(f"{path}.{field}", most, 0, MAXIMUM_AMOUNT)
    for index, prize in enumerate(draw.prizes):
        if _has_budget(draw) and cost_of(prize, prize.wallet or default, values) is None:
            en = "is needed for the budget: nobody has said what this prize costs"
            raise invalid(f"{path}.prizes[{index}].cost_cents", en, "有预算时必填：没有写明这个奖项的成本")


def _check_otherwise(path: str, draw: Draw, default: str, values: Values) -> None:
    """What is given in place of everything else must always be there."""
    prize = next((each for each in draw.prizes if each.id == draw.otherwise), None)
    if prize is None:
        raise unknown(path, draw.otherwise, [each.id for each in draw.prizes], "奖项", "prizes")
    if prize.reward is not None or any(each is not None for each in (prize.stock, prize.daily, prize.per_member)):
        raise invalid(path, f"is {prize.id!r}, of which there may be none left", f"是 {prize.id!r}，它可能发完")
    if _has_budget(draw) and cost_of(prize, prize.wallet or default, values):
        raise invalid(
            path,
            f"is {prize.id!r}, which costs money where the budget may be used up",
            f"是 {prize.id!r}，它有成本，而预算可能用完",
        )


def _check_pity(path: str, draw: Draw) -> None:
    if draw.pity is None:
        return
    check_range(f"{path}.after", draw.pity.after, 1, MAXIMUM_MISSES)
    prize = next((each for each in draw.prizes if each.id == draw.pity.prize), None)
    if prize is None or prize.is_nothing:
        known = [each.id for each in draw.prizes if not each.is_nothing]
        raise unknown(f"{path}.prize", draw.pity.prize, known, "有内容的奖项", "prizes that give something")
