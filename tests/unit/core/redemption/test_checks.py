"""Rewards and approval flows that make no sense are told with the field's path."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jifen.core.program import InvalidProgram, ProgramDocument, check_document
from jifen.core.redemption.checks import is_role
from jifen.core.redemption.document import AddOnTerms, CouponTerms, Price
from jifen.core.rules.document import Catalog, LocalizedText
from jifen.core.tiers.document import Benefits, TierLevel, TierSet
from tests.add_ons import with_add_ons
from tests.model.programs import make_document
from tests.redeeming import with_rewards


def changed(path: str, value: Any) -> ProgramDocument:
    """The program with one field changed."""
    content = msgspec.to_builtins(with_rewards(make_document()))
    place = content
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parents:
        place = place[part]
    place[last] = value
    return msgspec.convert(content, ProgramDocument)


def test_the_rewards_of_the_tests_are_sound() -> None:
    """All kinds of them."""
    check_document(with_rewards(make_document()))


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("rewards.1.id", "five-yuan", "$.rewards[1].id"),
        ("rewards.0.prices", [], "$.rewards[0].prices"),
        ("rewards.0.prices.0.points", -1, "$.rewards[0].prices[0].points"),
        ("rewards.0.prices.0.wallet", "gold", "$.rewards[0].prices[0].wallet"),
        ("rewards.0.prices.1.for", "member.level == 1", "$.rewards[0].prices[1].for"),
        ("rewards.0.coupon", None, "$.rewards[0].coupon"),
        ("rewards.2.coupon", {"face": "voucher"}, "$.rewards[2].coupon"),
        ("rewards.0.coupon.cents", 0, "$.rewards[0].coupon.cents"),
        ("rewards.0.coupon.percent", 5, "$.rewards[0].coupon.percent"),
        ("rewards.4.coupon.is_partly_usable", True, "$.rewards[4].coupon.is_partly_usable"),
        ("rewards.0.fulfilment", "shipping", "$.rewards[0].fulfilment"),
        ("rewards.2.stock", "codes", "$.rewards[2].stock"),
        ("rewards.5.for", None, "$.rewards[5].hidden"),
        ("rewards.5.captcha", "easy", "$.rewards[5].captcha"),
        ("rewards.3.approval", "three-eyes", "$.rewards[3].approval"),
        ("rewards.0.pictures", ["javascript:alert(1)"], "$.rewards[0].pictures[0]"),
        (
            "rewards.0.limits",
            [{"most": 1, "period": "day"}, {"most": 2, "period": "day"}],
            "$.rewards[0].limits[1].period",
        ),
        ("rewards.9.period", {"from": "2999-01-01", "to": "2998-01-01"}, "$.rewards[9].period"),
        ("approvals.0.steps", [], "$.approvals[0].steps"),
        ("approvals.0.steps.0.roles", [], "$.approvals[0].steps[0].roles"),
        ("approvals.0.steps.0.roles", ["Clerk"], "$.approvals[0].steps[0].roles"),
        ("approvals.0.steps.0.hours", 0, "$.approvals[0].steps[0].hours"),
        ("approvals.1.when", "redemption.price > 1", "$.approvals[1].when"),
    ],
)
def test_the_field_is_named(path: str, value: Any, named: str) -> None:
    """Each mistake by itself."""
    with pytest.raises(InvalidProgram) as caught:
        check_document(changed(path, value))
    assert named in str(caught.value)


def opening(*rewards: str) -> ProgramDocument:
    """The program with a tier that opens these."""
    name = LocalizedText("名", "Name")
    gold = TierLevel("gold", name, "total.orders >= 9", benefits=Benefits(opened_rewards=[*rewards]))
    document = changed("rewards.5.for", None)
    return msgspec.structs.replace(
        document, tier_sets=[TierSet("level", name, [TierLevel("regular", name), gold])], catalog=Catalog()
    )


def test_a_tier_may_open_what_is_hidden() -> None:
    """The reward and the tier may both say so; a name with a typing error is no reward."""
    document = opening("lounge")
    rewards = [msgspec.structs.replace(each, audience=None, prices=[Price(1)]) for each in document.rewards]
    check_document(msgspec.structs.replace(document, rewards=rewards))
    loungee = msgspec.structs.replace(opening("lounge", "loungee"), rewards=rewards)
    with pytest.raises(InvalidProgram, match=r"benefits\.opened_rewards\[1\] is 'loungee'"):
        check_document(loungee)


def test_a_captcha_does_not_tell_what_is_hidden() -> None:
    """Also not what only a tier opens."""
    for reward, allowed in (("cup", True), ("lounge", False)):
        document = opening("lounge")
        rewards = [
            msgspec.structs.replace(each, captcha="hard") if each.id == reward else each for each in document.rewards
        ]
        asking = msgspec.structs.replace(document, rewards=rewards)
        if allowed:
            check_document(asking)
            continue
        with pytest.raises(InvalidProgram, match=r"captcha would tell everybody"):
            check_document(asking)


def test_names_of_roles() -> None:
    """Small letters, digits, hyphens."""
    assert is_role("store-manager_2")
    assert not any(is_role(each) for each in ("", "Manager", "a b", "a" * 41, "店长"))


@pytest.mark.parametrize(
    ("reward", "changes", "named"),
    [
        ("mug", {"add_on": AddOnTerms(0)}, "add_on.most"),
        ("mug", {"add_on": AddOnTerms(101)}, "add_on.most"),
        ("mug", {"add_on": AddOnTerms(1, -1)}, "add_on.from_cents"),
        ("cup", {"add_on": AddOnTerms()}, "add_on"),
        ("cup", {"coupon": CouponTerms("voucher")}, "coupon"),
        ("tote", {"fulfilment": "shipping"}, "fulfilment"),
    ],
)
def test_terms_of_add_ons(reward: str, changes: dict[str, Any], named: str) -> None:
    """Only add-ons have them, at least one piece goes with an order, and an add-on may be a coupon."""
    document = with_add_ons(make_document())
    check_document(document)
    rewards = [msgspec.structs.replace(each, **changes) if each.id == reward else each for each in document.rewards]
    place = next(number for number, each in enumerate(rewards) if each.id == reward)
    with pytest.raises(InvalidProgram) as caught:
        check_document(msgspec.structs.replace(document, rewards=rewards))
    assert f"$.rewards[{place}].{named}" in str(caught.value)


@pytest.mark.parametrize("named", [True, False])
def test_what_only_counts_for_tiers_pays_for_nothing(named: bool) -> None:
    """Neither named nor as the first wallet of the program. What costs no points takes none."""
    wallets = [
        msgspec.structs.replace(each, kind="qualifying") if each.id == ("growth" if named else "points") else each
        for each in make_document().wallets
    ]
    plain = with_rewards(make_document())
    price = Price(points=3, wallet="growth" if named else None)
    (reward,) = [msgspec.structs.replace(each, prices=[price]) for each in plain.rewards if each.id == "e-book"]
    document = msgspec.structs.replace(plain, wallets=wallets, rewards=[reward])
    with pytest.raises(InvalidProgram, match=r"\$\.rewards\[0\]\.prices\[0\]\.wallet is .* a qualifying wallet"):
        check_document(document)
    free = msgspec.structs.replace(reward, prices=[Price(points=0, cash_cents=100)])
    check_document(msgspec.structs.replace(document, rewards=[free]))
