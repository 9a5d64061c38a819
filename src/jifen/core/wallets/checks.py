"""What a program file says wrongly of its wallets, told with the field's path."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from jifen.core.calendar import RollingExpiry, YearlyExpiry
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.rules.checks import check_caps, check_expiry, check_percent
from jifen.core.rules.document import Cap
from jifen.core.rules.faults import check_ids, check_number, check_range, check_text, invalid, unknown
from jifen.core.wallets.document import Adjustments, Bank, Conversion, Gifts, OffsetPolicy, WalletKind

MAXIMUM_CONVERSIONS = 200
MAXIMUM_REASONS = 200
Kinds = dict[str, WalletKind]


def check_conversions(conversions: Sequence[Conversion], kinds: Kinds) -> None:
    """Raise InvalidProgram for a conversion that makes no sense."""
    check_number("$.conversions", conversions, MAXIMUM_CONVERSIONS)
    check_ids("$.conversions", [each.id for each in conversions])
    for index, each in enumerate(conversions):
        path = f"$.conversions[{index}]"
        check_spendable(f"{path}.from", each.source, kinds)
        check_wallet(f"{path}.to", each.target, kinds)
        if each.source == each.target:
            raise invalid(
                f"{path}.to",
                f"is {each.target!r}, the wallet that the points come from",
                f"是 {each.target!r}，与转出账户相同",
            )
        check_range(f"{path}.give", each.give, 1, 10**9)
        check_range(f"{path}.get", each.get, 1, 10**9)
        check_range(f"{path}.step", each.step_points, 1, MAXIMUM_AMOUNT)
        if each.step_points * each.get % each.give:
            example = Conversion(each.id, each.source, each.target, each.give, each.get).step_points
            raise invalid(
                f"{path}.step",
                f"is {each.step}, which comes to no whole points; write {example} or its like",
                f"是 {each.step}，换算后不是整数积分；请写 {example} 之类",
            )
        check_range(f"{path}.least", each.least_points, 1, MAXIMUM_AMOUNT)
        if each.least_points % each.step_points:
            raise invalid(
                f"{path}.least",
                f"is {each.least}, which is no whole number of steps of {each.step_points}",
                f"是 {each.least}，不是步长 {each.step_points} 的整数倍",
            )
        _check_fee(path, each)
        check_limits(f"{path}.limits", each.limits)


def _check_fee(path: str, conversion: Conversion) -> None:
    check_range(f"{path}.fee_points", conversion.fee_points, 0, MAXIMUM_AMOUNT)
    if conversion.fee_percent is None:
        return
    if conversion.fee_points:
        raise invalid(
            f"{path}.fee_points",
            "stands beside fee_percent; give one of the two",
            "与 fee_percent 同时写了；只能写一个",
        )
    check_share(f"{path}.fee_percent", conversion.fee_percent)


def check_gifts(gifts: Gifts, kinds: Kinds) -> None:
    """Raise InvalidProgram for limits of gifts that make no sense."""
    for index, wallet in enumerate(gifts.wallets):
        check_spendable(f"$.gifts.wallets[{index}]", wallet, kinds)
    check_range("$.gifts.least", gifts.least, 1, MAXIMUM_AMOUNT)
    if gifts.most is not None:
        check_range("$.gifts.most", gifts.most, gifts.least, MAXIMUM_AMOUNT)
    check_limits("$.gifts.limits", gifts.limits)
    check_limits("$.gifts.receiver_limits", gifts.receiver_limits)
    check_range("$.gifts.cooling_days", gifts.cooling_days, 0, 3660)
    check_range("$.gifts.receiver_cooling_days", gifts.receiver_cooling_days, 0, 3660)


def check_bank(bank: Bank, kinds: Kinds) -> None:
    """Raise InvalidProgram for a points bank that makes no sense."""
    check_spendable("$.bank.wallet", bank.wallet, kinds)
    check_share("$.bank.share_percent", bank.share_percent)
    check_range("$.bank.window_days", bank.window_days, 1, 3660)
    check_expiry("$.bank", bank.expiry, 0)
    if isinstance(bank.expiry, YearlyExpiry) and bank.expiry.extra_years == 0:
        raise invalid(
            "$.bank.expiry.extra_years",
            "is 0; savings must last longer than the points put aside",
            "是 0；储蓄积分的有效期须长于存入前",
        )
    if isinstance(bank.expiry, RollingExpiry) and 28 * bank.expiry.months <= bank.window_days:
        raise invalid(
            "$.bank.expiry.months",
            "ends savings before the points that may be put aside would expire",
            "使储蓄积分早于存入前的有效期失效",
        )


def check_adjustments(adjustments: Adjustments) -> None:
    """Raise InvalidProgram for rules of corrections that make no sense."""
    check_range("$.adjustments.limit_points", adjustments.limit_points, 0, MAXIMUM_AMOUNT)
    check_range("$.adjustments.lapse_days", adjustments.lapse_days, 1, 366)
    check_number("$.adjustments.reasons", adjustments.reasons, MAXIMUM_REASONS)
    check_ids("$.adjustments.reasons", [each.code for each in adjustments.reasons])
    for index, each in enumerate(adjustments.reasons):
        check_text(f"$.adjustments.reasons[{index}].name", each.name)


def check_offset(offset: OffsetPolicy, kinds: Kinds) -> None:
    """Raise InvalidProgram for a way of paying with points that makes no sense."""
    check_spendable("$.offset.wallet", offset.wallet, kinds)
    check_range("$.offset.points", offset.points, 1, 10**9)
    check_range("$.offset.cents", offset.cents, 1, 10**9)
    check_range("$.offset.step_points", offset.step, 1, MAXIMUM_AMOUNT)
    if offset.step * offset.cents % offset.points:
        raise invalid(
            "$.offset.step_points",
            f"is {offset.step}, which pays no whole cents at this rate",
            f"是 {offset.step}，按此比例抵扣的不是整数分",
        )
    check_range("$.offset.least_points", offset.least, 1, MAXIMUM_AMOUNT)
    check_share("$.offset.most_percent", offset.most_percent)


def check_limits(path: str, limits: Sequence[Cap]) -> None:
    """Raise InvalidProgram for a limit that is none of a member's points or number of times in a period."""
    check_caps(path, limits)
    for index, each in enumerate(limits):
        if each.limit == "cost_cents" or each.per == "program" or each.period in ("event", "campaign"):
            raise invalid(
                f"{path}[{index}]",
                "must count a member's points or times: limit points or count, a day, week, month, year or lifetime",
                "须限制每位会员的积分或次数：limit 为 points 或 count，周期为 day、week、month、year 或 lifetime",
            )


def check_share(path: str, percent: Decimal) -> None:
    """Raise InvalidProgram for a percentage that is no share of a whole."""
    check_percent(path, percent)
    if percent > 100:
        raise invalid(path, f"is {percent}; a share is 100 at most", f"是 {percent}；比例最多 100")


def check_wallet(path: str, wallet: str, kinds: Kinds) -> None:
    """Raise InvalidProgram for a wallet that the program does not have."""
    if wallet not in kinds:
        raise unknown(path, wallet, kinds, "积分账户", "wallets")


def check_spendable(path: str, wallet: str, kinds: Kinds) -> None:
    """Raise InvalidProgram for a wallet whose points can only be earned."""
    check_wallet(path, wallet, kinds)
    if kinds[wallet] == "qualifying":
        raise invalid(
            path,
            f"is {wallet!r}, a qualifying wallet: its points cannot be spent",
            f"是 {wallet!r}，只用于定级的账户：其积分不能使用",
        )
