"""What of a tier set makes no sense is told with its path."""

from __future__ import annotations

from decimal import Decimal

import pytest

from jifen.core.program import InvalidProgram
from jifen.core.tiers.checks import check_opened, check_tier_sets, opened_rewards
from jifen.core.tiers.document import Benefits, Downgrade, Lifetime, RollingMonths, TierLevel, TierSet
from tests.unit.core.tiers.club import LEVELS, level, named, tier_set

SPENT = "period.spent_cents >= 1"
WRONG: dict[str, tuple[TierSet, str]] = {
    "no month": (tier_set(RollingMonths(0)), r"\$\.tier_sets\[0\]\.period\.months"),
    "no tier": (tier_set(tiers=[]), r"\.tiers has 0"),
    "the same tier twice": (tier_set(tiers=[LEVELS[0], LEVELS[0]]), r"tiers\[1\]\.id"),
    "no condition": (tier_set(tiers=[LEVELS[0], level("gold")]), r"tiers\[1\]\.qualify is missing"),
    "keep alone": (tier_set(tiers=[level("gold", None, SPENT)]), r"tiers\[0\]\.keep"),
    "given and earned": (tier_set(tiers=[TierLevel("x", named("x"), SPENT, by="paid")]), r"tiers\[0\]\.qualify"),
    "valid and earned": (tier_set(tiers=[TierLevel("x", named("x"), SPENT, valid_months=3)]), "valid_months"),
    "a lifetime that ends": (tier_set(Lifetime(), Downgrade("to_earned")), "lifetime never ends"),
    "no such day": (tier_set(downgrade=Downgrade("to_earned", "monthly", 32)), r"downgrade\.day"),
    "long grace": (tier_set(downgrade=Downgrade("to_earned", grace_days=367)), "grace_days"),
    "a discount of all": (
        tier_set(tiers=[TierLevel("x", named("x"), benefits=Benefits(discount_percent=Decimal("100.5")))]),
        "discount_percent",
    ),
    "no coefficient": (
        tier_set(tiers=[TierLevel("x", named("x"), benefits=Benefits(coefficient=Decimal("NaN")))]),
        r"benefits\.coefficient",
    ),
    "an empty badge": (tier_set(tiers=[TierLevel("x", named("x"), benefits=Benefits(badge=""))]), "badge"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(name: str) -> None:
    """With the field and how to mend it."""
    document, message = WRONG[name]
    with pytest.raises(InvalidProgram, match=message):
        check_tier_sets([document])


def test_sets_differ() -> None:
    """Two sets of one id would be one."""
    check_tier_sets([tier_set()])
    with pytest.raises(InvalidProgram, match="second time"):
        check_tier_sets([tier_set(), tier_set()])


def test_what_a_tier_opens_is_there() -> None:
    """A name with a typing error would open nothing, and leave to everybody what was meant for few."""
    opening = TierLevel("gold", named("gold"), SPENT, benefits=Benefits(opened_rewards=["spa", "loungee"]))
    sets = [tier_set(), tier_set(tiers=[LEVELS[0], opening])]
    assert opened_rewards(sets) == {"spa", "loungee"}
    check_opened(sets, ["spa", "loungee"])
    with pytest.raises(InvalidProgram, match=r"sets\[1\]\.tiers\[1\]\.benefits\.opened_rewards\[1\] is 'loungee'"):
        check_opened(sets, ["spa", "lounge"])
