"""Who a reward is for, and who of these has the points: one condition over members, so that they can be counted.

It is put together from the trees of the reward's own conditions, as they were checked; its names are those that the
conditions of segments know.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from jifen.core.conditions.syntax import Call, Constant, Name, Node
from jifen.core.redemption.offers import OpenReward
from jifen.core.rules.facts import TIERS
from jifen.core.segments.facts import BALANCE

#: Nothing of it stands in a source.
_NOWHERE = 0


def audience_of(reward: OpenReward) -> Node:
    """Holds for whom the reward is (OpenReward.is_for)."""
    terms = []
    if reward.opened_to:
        terms.append(_any([_is_in(tier_set, tier) for tier_set, tier in sorted(reward.opened_to)]))
    if reward.audience is not None:
        terms.append(reward.audience.root)
    return _all(terms)


def reach_of(reward: OpenReward, wallets: Mapping[int, str]) -> Node:
    """Holds for whom the reward is and who can pay one of the prices that are for them. `wallets`: ids by number."""
    rungs = []
    for each in reward.prices:
        pays = _compared("_>=_", "greater_equals_int64", f"{BALANCE}{wallets[each.wallet]}", each.price.points)
        rungs.append(_all([pays] if each.audience is None else [pays, each.audience.root]))
    return _all([audience_of(reward), _any(rungs)])


def _is_in(tier_set: str, tier: str) -> Node:
    return _compared("_==_", "equals", f"{TIERS}{tier_set}", tier)


def _compared(function: str, overload: str, name: str, value: int | str) -> Node:
    kind = "int" if isinstance(value, int) else "string"
    pair = (Name(kind, name, _NOWHERE), Constant(kind, value, _NOWHERE))  # type: ignore[arg-type]
    return Call("bool", function, overload, pair, _NOWHERE)


def _all(terms: list[Node]) -> Node:
    return reduce(lambda one, other: Call("bool", "_&&_", "logical_and", (one, other), _NOWHERE), terms or [_TRUE])


def _any(terms: list[Node]) -> Node:
    return reduce(lambda one, other: Call("bool", "_||_", "logical_or", (one, other), _NOWHERE), terms)


_TRUE = Constant("bool", True, _NOWHERE)
