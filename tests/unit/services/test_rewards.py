"""The catalogue of rewards says in words what a member lacks."""

from __future__ import annotations

import inspect
import re

from jifen.core.decide import eligibility, redeem, spend
from jifen.core.members.life import LIFE
from jifen.services.rewards import LACKS_ZH

#: What is asked of one piece of a reward, one after another.
ASKED = (
    redeem.check_eligible,
    redeem.unknown_reward,
    redeem.not_open,
    redeem.check_limits,
    redeem.check_stock,
    redeem.choose_price,
    eligibility.not_eligible,
    spend.check_available,
)
#: Refusals of what a reader of the catalogue does not say: a rung.
NEVER = {"unknown_price"}


def test_every_refusal_has_a_text() -> None:
    """Whatever can be refused is told in Chinese, too."""
    found = {code for each in ASKED for code in re.findall(r'Refusal\(\s*"(\w+)"', inspect.getsource(each))}
    found |= {code for acts in LIFE.values() if (code := acts["spend"]) is not None}
    assert "insufficient_points" in found and "member_frozen" in found
    assert (found | {"reward_retired"}) - NEVER == LACKS_ZH.keys()
