"""Challenges of captchas: answered from memory, as whoever redeems in a flash sale asks for one first."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from jifen.api.door import Door
from jifen.api.idempotency import IdempotencyKey
from jifen.api.reads import Query, Question
from jifen.api.reads.rewards import MemberName
from jifen.core.decide.redeem import unknown_reward
from jifen.core.redemption.commands import RedeemReward
from jifen.core.refusal import Refusal
from jifen.services.captcha import Challenge, Errand, captcha_not_asked, captcha_of, new_challenge
from jifen.services.catalog import NO_PROGRAM, Catalog
from jifen.services.members import parse_member_id, unknown_member


class CaptchaQuery(Query, frozen=True):
    """Who is to redeem the reward, and with which Idempotency-Key."""

    member: MemberName
    idempotency_key: IdempotencyKey


EXAMPLE_CHALLENGE: Final[dict[str, Any]] = {
    "parameters": {
        "algorithm": "PBKDF2/SHA-256",
        "cost": 100,
        "keyLength": 32,
        "keyPrefix": "35a593592bce483e2cae890ddb019a49",
        "nonce": "5884567f2930c035f70bd9a3452fc352",
        "salt": "ec7df8e29a6b6be347344f4a3454badc",
        "expiresAt": 1_794_362_584,
        "data": {"member": "100001", "reward": "vase", "key": "b94d27b9934d3e08a52e52d7da7dabfa"},
    },
    "signature": "31d25b447ac52d002e39d0649652e048be5b953794dd8b9944a48510efad5aa7",
}

CAPTCHA = Question(
    name="get_captcha",
    path="/v1/rewards/{reward_id}/captcha",
    summary="A challenge to be solved before a reward is redeemed",
    summary_zh="兑换前的人机验证题目",
    query=CaptchaQuery,
    answer_type=Challenge,
    codes=("unknown_reward", "unknown_member", "captcha_not_asked", "sold_out", "no_program"),
    example_answer=EXAMPLE_CHALLENGE,
)


def answer_captcha(
    door: Door, catalog: Catalog, reward: str, query: CaptchaQuery, now: datetime
) -> Challenge | Refusal:
    """A challenge for one redemption. Nobody works for what is known to be sold out."""
    program, member = catalog.current, parse_member_id(query.member)
    if program is None:
        return NO_PROGRAM
    if member is None:
        return unknown_member(query.member)
    found = program.offers.rewards.get(reward)
    if found is None or found.document.hidden or found.opened_to:
        return unknown_reward(reward)
    level = captcha_of(program, reward)
    if level is None:
        return captcha_not_asked(reward)
    if refusal := door.turn_away(program, RedeemReward(member, reward)):
        return refusal
    return new_challenge(level, Errand(member, reward, query.idempotency_key), catalog.quote_secret, now)
