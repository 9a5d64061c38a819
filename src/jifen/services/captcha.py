"""Captchas: work that must be done before a redemption is taken, so that one script cannot ask for thousands.

ALTCHA's proof of work, version 2 (https://altcha.org): whoever asks gets a signed challenge, looks for the number that
solves it, and sends both back. A challenge is made for one redemption: for a member, a reward and an idempotency key.
As a key is good for one thing for ever, a solution is too, on all servers, and nothing needs to be kept of it.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import randbelow
from typing import Final

import altcha
import msgspec

from jifen.core.program import Program
from jifen.core.redemption.document import Captcha
from jifen.core.refusal import Refusal

#: So long a challenge can be solved and its solution be sent.
CAPTCHA_SECONDS: Final = 600
#: The number that solves a challenge is below this: half of it must be tried on average.
TRIES: Final[dict[Captcha, int]] = {"easy": 4_000, "normal": 20_000, "hard": 100_000}
_ALGORITHM: Final = "PBKDF2/SHA-256"
#: Rounds of a try: so few that looking at a solution takes a server a tenth of a millisecond.
_ROUNDS: Final = 100
#: A text longer than that is no solution.
LONGEST_SOLUTION: Final = 4_000
_DIGEST_CHARACTERS: Final = 32


class Errand(msgspec.Struct, frozen=True):
    """The redemption that a challenge is made for."""

    member_id: int
    reward: str
    key: str

    @property
    def data(self) -> dict[str, str]:
        """What the challenge says of it. Of the key only a digest: it may say something of the shop's own."""
        digest = sha256(self.key.encode()).hexdigest()[:_DIGEST_CHARACTERS]
        return {"member": str(self.member_id), "reward": self.reward, "key": digest}


class ChallengeParameters(msgspec.Struct, frozen=True, rename="camel"):
    """What is to be solved, in ALTCHA's own words: the number for which the key derived from `nonce`, the number and
    `salt` begins with `keyPrefix`. `expiresAt`: in seconds since 1970; `data`: the redemption that it is made for."""

    algorithm: str
    cost: int
    key_length: int
    key_prefix: str
    nonce: str
    salt: str
    expires_at: int
    data: dict[str, str]


class Challenge(msgspec.Struct, frozen=True):
    """An ALTCHA challenge (proof of work version 2), as its widget takes it. Its solution goes with the redemption, in
    the header `Jifen-Captcha`."""

    parameters: ChallengeParameters
    signature: str


def captcha_of(program: Program | None, reward: str) -> Captcha | None:
    """How much work a reward asks for now; None: there is none to be done, or no such reward to be had."""
    found = None if program is None else program.offers.rewards.get(reward)
    return None if found is None or found.document.retired else found.document.captcha


def new_challenge(level: Captcha, errand: Errand, secret: bytes, now: datetime) -> Challenge:
    """A challenge that is good for one redemption, for ten minutes from now."""
    return challenge_solved_by(randbelow(TRIES[level]), errand, secret, now)


def challenge_solved_by(number: int, errand: Errand, secret: bytes, now: datetime) -> Challenge:
    """The challenge that this number solves."""
    made = altcha.create_challenge(
        _ALGORITHM,
        _ROUNDS,
        counter=number,
        expires_at=now + timedelta(seconds=CAPTCHA_SECONDS),
        data=errand.data,
        hmac_secret=_own_secret(secret),
    )
    return msgspec.convert(made.to_dict(), Challenge)


def check_solution(solution: str, errand: Errand, secret: bytes) -> Refusal | None:
    """Refuse what is no solution of a challenge that was made for this redemption. Computes only: whoever has not done
    the work costs no look into the database. Signature and key are compared in constant time (by altcha)."""
    try:
        payload = altcha.Payload.from_base64(solution) if len(solution) <= LONGEST_SOLUTION else None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        payload = None
    if payload is None:
        return _INVALID
    found = altcha.verify_solution(payload, _own_secret(secret))
    if found.expired:
        return _EXPIRED
    if not found.verified:
        return _INVALID
    made_for, wanted = payload.challenge.parameters.data, errand.data
    differs = sorted(name for name in wanted if made_for is None or made_for.get(name) != wanted[name])
    if not differs:
        return None
    return _USED if differs == ["key"] else _MISMATCH


def captcha_needed(reward: str) -> Refusal:
    """What whoever sent no solution, or no key for it to be good for, is to do."""
    return Refusal(
        "captcha_needed",
        f"{reward} asks for a captcha: get a challenge with GET /v1/rewards/{reward}/captcha for this member and an "
        "Idempotency-Key, and send its solution in the header Jifen-Captcha with that same key.",
        None,
        {"reward": reward},
    )


def captcha_not_asked(reward: str) -> Refusal:
    """There is nothing to be solved for this reward."""
    message = f"{reward} asks for no captcha: redeem it without."
    return Refusal("captcha_not_asked", message, None, {"reward": reward})


def _own_secret(secret: bytes) -> bytes:
    """The installation's secret for captchas alone: what is signed with it is good for nothing else."""
    return hmac.digest(secret, b"captcha", sha256)


_AGAIN: Final = "Get a new challenge with the Idempotency-Key of this redemption, and solve it"
_INVALID: Final = Refusal("invalid_captcha", f"This is no solution of a challenge of ours. {_AGAIN}.")
_EXPIRED: Final = Refusal(
    "captcha_expired",
    f"The captcha was good for {CAPTCHA_SECONDS // 60} minutes. {_AGAIN}; "
    "what was done with it before is answered again.",
)
_MISMATCH: Final = Refusal("captcha_mismatch", f"The captcha was solved for another member or reward. {_AGAIN}.")
_USED: Final = Refusal(
    "captcha_used",
    f"The captcha was solved for another Idempotency-Key, and is good for that redemption alone. {_AGAIN}.",
)
