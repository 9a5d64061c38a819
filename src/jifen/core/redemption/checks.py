"""What of a program's rewards and approval flows makes no sense in itself, told with the field's path."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_TEXT
from jifen.core.redemption.document import AddOnTerms, ApprovalFlow, CouponTerms, Price, Reward, RewardKind
from jifen.core.rules.faults import check_ids, check_length, check_number, check_range, check_text, invalid, unknown
from jifen.core.text import unfit_text
from jifen.core.wallets.checks import Kinds, check_spendable

MAXIMUM_REWARDS = 2_000
MAXIMUM_PRICES = 20
MAXIMUM_PICTURES = 20
MAXIMUM_DESCRIPTION = 10_000
MAXIMUM_FLOWS = 100
MAXIMUM_FLOW_STEPS = 10
MAXIMUM_ROLES = 20
MAXIMUM_HOURS = 24 * 366
#: So many pieces can be asked for at once.
MAXIMUM_PIECES = 100


def check_rewards(
    rewards: Sequence[Reward], flows: Sequence[ApprovalFlow], kinds: Kinds, opened: Collection[str] = ()
) -> None:
    """Raise InvalidProgram for the first field of rewards and flows that makes no sense. `kinds`: of the wallets;
    `opened`: the rewards that tiers open."""
    check_number("$.rewards", rewards, MAXIMUM_REWARDS)
    check_ids("$.rewards", [each.id for each in rewards])
    _check_flows(flows)
    for index, reward in enumerate(rewards):
        path = f"$.rewards[{index}]"
        check_text(f"{path}.name", reward.name)
        if reward.description is not None:
            check_text(f"{path}.description", reward.description, MAXIMUM_DESCRIPTION)
        if reward.category is not None:
            check_length(f"{path}.category", reward.category, MAXIMUM_TEXT)
        check_number(f"{path}.pictures", reward.pictures, MAXIMUM_PICTURES)
        for number, picture in enumerate(reward.pictures):
            if not picture.startswith(("https://", "http://", "/")) or len(picture) > 2_000 or unfit_text(picture):
                raise invalid(
                    f"{path}.pictures[{number}]",
                    "must be an http(s) address, or a path that begins with /",
                    "须为 http(s) 地址，或以 / 开头的路径",
                )
        _check_prices(f"{path}.prices", reward.prices, kinds)
        _check_terms(path, reward)
        if reward.hidden and reward.audience is None and reward.id not in opened:
            en = "hides it from everybody: say with `for` who may see it, or list it in a tier's `opened_rewards`"
            zh = "使所有人都看不到它：请用 `for` 写明谁能看到，或列入某等级的 `opened_rewards`"
            raise invalid(f"{path}.hidden", en, zh)
        if reward.captcha is not None and (reward.hidden or reward.id in opened):
            en = "would tell everybody that there is this reward, which not all get to see: leave it out"
            raise invalid(f"{path}.captcha", en, "会让所有人知道有这个兑换品，而它并非人人可见：请去掉")
        if reward.approval is not None and reward.approval not in [each.id for each in flows]:
            raise unknown(f"{path}.approval", reward.approval, [each.id for each in flows], "审批流", "approvals")
        check_range(f"{path}.payment_minutes", reward.payment_minutes, 1, 60 * MAXIMUM_HOURS)
        _check_limits(path, reward)


def _check_prices(path: str, prices: Sequence[Price], kinds: Kinds) -> None:
    check_number(path, prices, MAXIMUM_PRICES, least=1)
    for index, price in enumerate(prices):
        place = f"{path}[{index}]"
        check_range(f"{place}.points", price.points, 0, MAXIMUM_AMOUNT // MAXIMUM_PIECES)
        check_range(f"{place}.cash_cents", price.cash_cents, 0, MAXIMUM_AMOUNT // MAXIMUM_PIECES)
        if price.wallet is not None:
            check_spendable(f"{place}.wallet", price.wallet, kinds)
        elif price.points:
            check_spendable(f"{place}.wallet", next(iter(kinds)), kinds)


def _check_terms(path: str, reward: Reward) -> None:
    if reward.kind == "coupon" and reward.coupon is None:
        raise invalid(f"{path}.coupon", "is missing: say what the coupon is worth", "没有写：请写明优惠券的面值")
    if reward.coupon is not None and reward.kind not in ("coupon", "add_on"):
        raise invalid(
            f"{path}.coupon", "is given, but only coupons and add-ons have one", "写了，但只有优惠券和换购品才有"
        )
    if reward.stock == "codes" and reward.coupon is None:
        raise invalid(f"{path}.stock", "is codes, which only coupons have", "是 codes，只有优惠券才能这样")
    if reward.add_on is not None:
        _check_add_on(f"{path}.add_on", reward.kind, reward.add_on)
    if reward.coupon is not None:
        _check_coupon(f"{path}.coupon", reward.coupon)
        if reward.fulfilment != "none":
            raise invalid(
                f"{path}.fulfilment", "is given, but a coupon is delivered by its code", "写了，但优惠券凭券码交付"
            )


def _check_add_on(path: str, kind: RewardKind, terms: AddOnTerms) -> None:
    if kind != "add_on":
        message = "is given, but only rewards of the kind add_on are taken with an order"
        raise invalid(path, message, "写了，但只有 add_on 类兑换品才随订单兑换")
    check_range(f"{path}.most", terms.most, 1, MAXIMUM_PIECES)
    check_range(f"{path}.from_cents", terms.from_cents, 0, MAXIMUM_AMOUNT)


def _check_coupon(path: str, terms: CouponTerms) -> None:
    if (terms.face == "fixed") != bool(terms.cents):
        raise invalid(
            f"{path}.cents",
            "belongs to the face `fixed`, and must be above 0 there",
            "属于面值种类 `fixed`，并须大于 0",
        )
    if (terms.face == "percent") != bool(terms.percent):
        raise invalid(
            f"{path}.percent",
            "belongs to the face `percent`, and must be 1 to 100 there",
            "属于面值种类 `percent`，并须为 1 至 100",
        )
    check_range(f"{path}.cents", terms.cents, 0, MAXIMUM_AMOUNT)
    check_range(f"{path}.percent", terms.percent, 0, 100)
    if terms.valid_days is not None:
        check_range(f"{path}.valid_days", terms.valid_days, 0, 3660)
    if terms.is_partly_usable and terms.face != "fixed":
        raise invalid(
            f"{path}.is_partly_usable",
            "belongs to the face `fixed`: nothing else can be divided",
            "属于面值种类 `fixed`：其他种类不能分次使用",
        )


def _check_limits(path: str, reward: Reward) -> None:
    periods = [each.period for each in reward.limits]
    for index, limit in enumerate(reward.limits):
        check_range(f"{path}.limits[{index}].most", limit.most, 0, MAXIMUM_AMOUNT)
        if periods.index(limit.period) != index:
            raise invalid(
                f"{path}.limits[{index}].period",
                f"is {limit.period} a second time",
                f"第二次是 {limit.period}；周期不得重复",
            )


def _check_flows(flows: Sequence[ApprovalFlow]) -> None:
    check_number("$.approvals", flows, MAXIMUM_FLOWS)
    check_ids("$.approvals", [each.id for each in flows])
    for index, flow in enumerate(flows):
        path = f"$.approvals[{index}]"
        check_number(f"{path}.steps", flow.steps, MAXIMUM_FLOW_STEPS, least=1)
        for number, step in enumerate(flow.steps):
            place = f"{path}.steps[{number}]"
            check_number(f"{place}.roles", step.roles, MAXIMUM_ROLES, least=1)
            _check_roles(f"{place}.roles", step.roles)
            if step.hours is not None:
                check_range(f"{place}.hours", step.hours, 1, MAXIMUM_HOURS)
        check_number(f"{path}.delegations", flow.delegations, MAXIMUM_ROLES)
        for number, each in enumerate(flow.delegations):
            _check_roles(f"{path}.delegations[{number}]", [each.role, each.to])


def _check_roles(path: str, roles: Sequence[str]) -> None:
    for index, role in enumerate(roles):
        if not is_role(role) or role in roles[:index]:
            raise invalid(
                path,
                f"has {role!r}; roles are a-z, 0-9, _ and -, 1 to 40 characters, each once",
                f"中有 {role!r}；角色须为 a-z、0-9、_ 和 -，1 至 40 个字符，不得重复",
            )


def is_role(role: str) -> bool:
    """Whether this can be the name of a role."""
    plain = role.isascii() and role.replace("_", "").replace("-", "").isalnum() and role == role.lower()
    return plain and len(role) <= 40
