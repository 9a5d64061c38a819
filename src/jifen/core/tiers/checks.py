"""What of a tier set makes no sense in itself, told with the field's path. Conditions are checked as they compile."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal

from jifen.core.rules.faults import check_ids, check_length, check_number, check_range, check_text, invalid, unknown
from jifen.core.tiers.document import Benefits, Downgrade, Lifetime, RollingMonths, TierLevel, TierSet

MAXIMUM_SETS = 8
MAXIMUM_TIERS = 20
MAXIMUM_OPENED = 200
MAXIMUM_MONTHS = 120


def check_tier_sets(sets: Sequence[TierSet]) -> None:
    """Raise InvalidProgram for the first field of a tier set that makes no sense."""
    check_number("$.tier_sets", sets, MAXIMUM_SETS)
    check_ids("$.tier_sets", [each.id for each in sets])
    for index, each in enumerate(sets):
        path = f"$.tier_sets[{index}]"
        check_text(f"{path}.name", each.name)
        if isinstance(each.period, RollingMonths):
            check_range(f"{path}.period.months", each.period.months, 1, MAXIMUM_MONTHS)
        _check_downgrade(f"{path}.downgrade", each)
        check_number(f"{path}.tiers", each.tiers, MAXIMUM_TIERS, least=1)
        check_ids(f"{path}.tiers", [tier.id for tier in each.tiers])
        for rank, tier in enumerate(each.tiers):
            _check_tier(f"{path}.tiers[{rank}]", tier, rank)


def check_opened(sets: Sequence[TierSet], rewards: Collection[str]) -> None:
    """Raise InvalidProgram for the first reward that a tier opens and the program does not have: what is mistyped would
    open nothing, and leave to everybody what was meant for few."""
    for index, tier_set in enumerate(sets):
        for rank, tier in enumerate(tier_set.tiers):
            for number, reward in enumerate(tier.benefits.opened_rewards):
                if reward not in rewards:
                    path = f"$.tier_sets[{index}].tiers[{rank}].benefits.opened_rewards[{number}]"
                    raise unknown(path, reward, rewards, "兑换品", "rewards")


def opened_rewards(sets: Sequence[TierSet]) -> set[str]:
    """The rewards that some tier opens."""
    return {reward for each in sets for tier in each.tiers for reward in tier.benefits.opened_rewards}


def _check_downgrade(path: str, tier_set: TierSet) -> None:
    downgrade: Downgrade = tier_set.downgrade
    check_range(f"{path}.day", downgrade.day, 1, 31)
    check_range(f"{path}.grace_days", downgrade.grace_days, 0, 366)
    is_endless = isinstance(tier_set.period, Lifetime) and downgrade.review == "period_end"
    if downgrade.policy != "never" and is_endless:
        raise invalid(
            f"{path}.review",
            "is period_end, but the period lifetime never ends; write review: monthly",
            "是 period_end，但周期 lifetime 永不结束；请写 review: monthly",
        )


def _check_tier(path: str, tier: TierLevel, rank: int) -> None:
    check_text(f"{path}.name", tier.name)
    if tier.by != "earned":
        for name in ("qualify", "keep"):
            if getattr(tier, name) is not None:
                raise invalid(
                    f"{path}.{name}",
                    f"is given, but the tier is {tier.by}: nobody earns it",
                    f"写了，但该等级的获得方式是 {tier.by}：不能靠达标获得",
                )
    elif tier.qualify is None:
        if rank:
            raise invalid(
                f"{path}.qualify", "is missing; only the lowest tier may do without", "没有写；只有最低等级可以不写"
            )
        if tier.keep is not None:
            raise invalid(
                f"{path}.keep",
                "is given without qualify: everybody has this tier",
                "写了却没有 qualify：所有人都有这个等级",
            )
    if tier.valid_months is not None:
        check_range(f"{path}.valid_months", tier.valid_months, 1, 1200)
        if tier.by == "earned":
            raise invalid(
                f"{path}.valid_months",
                "is for tiers that are given; reviews end an earned one",
                "只用于授予的等级；达标获得的等级由定级结束",
            )
    _check_benefits(f"{path}.benefits", tier.benefits)


def _check_benefits(path: str, benefits: Benefits) -> None:
    for name in ("coefficient", "birthday_coefficient"):
        _check_decimal(f"{path}.{name}", getattr(benefits, name), 1000, 6)
    _check_decimal(f"{path}.discount_percent", benefits.discount_percent, 100, 2)
    check_range(f"{path}.early_access_hours", benefits.early_access_hours, 0, 8784)
    check_number(f"{path}.opened_rewards", benefits.opened_rewards, MAXIMUM_OPENED)
    if benefits.title is not None:
        check_text(f"{path}.title", benefits.title)
    for name in ("badge", "own_contact"):
        text = getattr(benefits, name)
        if text is not None:
            check_length(f"{path}.{name}", text, 200)


def _check_decimal(path: str, value: Decimal | None, most: int, places: int) -> None:
    if value is None:
        return
    if not value.is_finite() or not 0 <= value <= most or value != round(value, places):
        raise invalid(
            path,
            f"is {value}; write 0 to {most} with at most {places} decimals",
            f"是 {value}；须为 0 至 {most}，最多 {places} 位小数",
        )
