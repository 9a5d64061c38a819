"""Conditions of tiers, rewards, prices, lotteries and approval flows: what they name, and whether they ever hold."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import check_program
from tests.unit.analytics.test_proofs import TIER, document_of

NAME = TIER["name"]
CATALOG = {"tags": ["tea-lover"], "segments": ["vip"], "channels": ["app", "wechat"]}
FIELDS = [{"id": "size", "type": "string", "choices": [{"value": "S"}, {"value": "L"}]}]


def program(
    *, qualify: str = "total.orders > 9", keep: str | None = None, reward: str = "true", price: str = "true",
    draw: str = "true", flow: str = "true", campaign: str = "true",
) -> dict[str, Any]:  # fmt: skip
    """A program with these conditions, one at each place."""
    gold = TIER | {"qualify": qualify} | ({} if keep is None else {"keep": keep})
    return {
        "catalog": CATALOG,
        "fields": FIELDS,
        "tier_sets": [{"id": "level", "name": NAME, "tiers": [TIER | {"id": "plain"}, gold]}],
        "rewards": [
            {"id": "mug", "kind": "goods", "name": NAME, "prices": [{"points": 100}]},
            {
                "id": "vase",
                "kind": "goods",
                "name": NAME,
                "for": reward,
                "prices": [{"points": 9000}, {"points": 10, "for": price}],
            },
        ],
        "campaigns": [{"id": "spring", "name": NAME, "audience": campaign}],
        "approvals": [{"id": "dear", "when": flow, "steps": [{"roles": ["clerk"]}]}],
        "draws": [
            {
                "id": "wheel",
                "name": NAME,
                "price": {"points": 10},
                "for": draw,
                "prizes": [{"id": "none", "name": NAME, "weight": 1}],
                "otherwise": "none",
            }
        ],
    }


PLACES = {
    "keep": ("tier:level:gold", "$.tier_sets[0].tiers[1].keep"),
    "reward": ("reward:vase", "$.rewards[1].for"),
    "price": ("reward:vase", "$.rewards[1].prices[1].for"),
    "draw": ("draw:wheel", "$.draws[0].for"),
    "flow": ("approval:dear", "$.approvals[0].when"),
    "campaign": ("campaign:spring", "$.campaigns[0].audience"),
}


def found(**conditions: str) -> list[tuple[str, list[str], str]]:
    """What is found of a program with these conditions. Nothing of it is beyond proof."""
    report = check_program(document_of(**program(**conditions)))
    assert report.not_proven == []
    return [(each.kind, each.rules, each.message_en) for each in report.findings]


def test_right_conditions_pass() -> None:
    """Every place, with names that are all known."""
    assert found() == []
    member = '"tea-lover" in member.tags && "vip" in member.segments && member.fields.size in ["S", "L"]'
    assert found(qualify=f"total.orders > 9 && {member}", keep=f'member.channel == "app" && {member}') == []
    tier = f'member.tier == "gold" && member.tiers.level == "gold" && member.channel == "app" && {member}'
    about = 'redemption.reward == "vase" && redemption.kind == "goods" && redemption.points >= 100'
    assert found(reward=tier, price=tier, draw=tier, flow=f"{tier} && {about}") == []


@pytest.mark.parametrize("place", ["qualify", *PLACES])
@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (
            '"tea-lovers" in member.tags',
            "names member.tags 'tea-lovers', which the catalog does not have; did you mean",
        ),
        ('"v" in member.segments', "names member.segments 'v', which the catalog does not have"),
        ('member.channel == "apps"', "names member.channel 'apps', which the catalog does not have; did you mean app"),
        ('member.fields.size == "XL"', "names member.fields.size 'XL', which the program does not have"),
    ],
)
def test_unknown_names_are_told_with_their_path(place: str, condition: str, said: str) -> None:
    """As in rules, and where they stand."""
    ((kind, owners, message),) = found(**{place: f"{condition} || member.orders > 5"})
    owner, path = PLACES.get(place, ("tier:level:gold", "$.tier_sets[0].tiers[1].qualify"))
    column = condition.index('"') + 1
    assert (kind, owners) == ("unknown_reference", [owner])
    assert message.startswith(f"{path} (line 1, column {column}) {said}")


@pytest.mark.parametrize("place", ["reward", "price", "draw", "flow"])
@pytest.mark.parametrize(
    ("name", "where"), [("member.tier", "the catalog"), ("member.tiers.level", "the program")]
)  # fmt: skip
def test_unknown_tiers_are_told(place: str, name: str, where: str) -> None:
    """Which conditions of tiers themselves cannot name."""
    ((kind, owners, message),) = found(**{place: f'{name} != "golden"'})
    owner, path = PLACES[place]
    assert (kind, owners) == ("unknown_reference", [owner])
    assert message.startswith(f"{path} (line 1, column") and "did you mean gold" in message


@pytest.mark.parametrize("condition", ['redemption.reward != "vases"', 'redemption.kind != "good"'])
def test_flows_name_rewards_and_kinds_that_exist(condition: str) -> None:
    """A flow for a reward that is gone would let everything through."""
    ((kind, owners, _),) = found(flow=condition)
    assert (kind, owners) == ("unknown_reference", ["approval:dear"])


@pytest.mark.parametrize("place", PLACES)
def test_what_never_holds_is_told(place: str) -> None:
    """And what just does hold is not."""
    owner, path = PLACES[place]
    never = found(**{place: "member.is_first_order && member.orders > 0"})
    assert [(kind, owners) for kind, owners, _ in never] == [("never_true", [owner])]
    assert path in never[0][2]
    assert found(**{place: "member.is_first_order && member.orders >= 0"}) == []


@pytest.mark.parametrize("place", ["qualify", *PLACES])
def test_what_always_fails_is_told(place: str) -> None:
    """A number that is too large for whoever it is."""
    too_large = "member.orders >= 3 && member.orders * 4000000000000000000 > 0"
    (name, _, _) = found(**{place: too_large})[0]
    assert name == ("unreachable_tier" if place == "qualify" else "never_true")
    assert [kind for kind, _, _ in found(**{place: too_large.replace(">= 3 &&", ">= 2 &&")})] == ["can_fail"]


def test_a_price_is_asked_for_with_its_reward() -> None:
    """Whoever may not have the reward has no use for its price."""
    ((kind, _, message),) = found(reward="member.orders >= 10", price="member.orders < 10")
    assert kind == "never_true" and "together with that of its reward" in message
    assert found(reward="member.orders >= 10", price="member.orders < 11") == []


def test_more_is_known_of_redemptions_and_of_periods() -> None:
    """At most a hundred pieces; within a period no more than ever."""
    assert [kind for kind, _, _ in found(flow="redemption.quantity > 100")] == ["never_true"]
    assert found(flow="redemption.quantity >= 100") == []
    assert [kind for kind, _, _ in found(keep="period.orders > total.orders")] == ["never_true"]


def test_yuan_taken_for_cents_is_told() -> None:
    """Also where tiers and flows ask for money."""
    assert [kind for kind, _, _ in found(qualify="total.spent_cents >= 500")] == ["magnitude"]
    assert [kind for kind, _, _ in found(flow="redemption.cash_cents >= 500")] == ["magnitude"]
    assert found(qualify="total.spent_cents >= 50000", flow="redemption.cash_cents >= 50000") == []


@pytest.mark.parametrize("place", ["qualify", *PLACES])
def test_what_is_beyond_proof_is_named(place: str) -> None:
    """Never passed over."""
    report = check_program(document_of(**program(**{place: 'member.channel.matches("(?i)a")'})))
    assert report.findings == []
    owner, path = PLACES.get(place, ("tier:level:gold", "$.tier_sets[0].tiers[1].qualify"))
    assert [each.rule for each in report.not_proven] == [owner]
    assert path in report.not_proven[0].why_en
