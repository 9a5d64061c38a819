"""Captchas: a solution is good for the one redemption that its challenge was made for, and only while it is fresh."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import altcha
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.redemption.document import Captcha
from jifen.services.captcha import (
    CAPTCHA_SECONDS,
    TRIES,
    Challenge,
    Errand,
    captcha_of,
    check_solution,
    new_challenge,
)
from tests.redeeming import program_with_captcha, solved

SECRET = b"s" * 32
ERRAND = Errand(100_001, "cup", "wish-1")


def fresh(errand: Errand = ERRAND, *, ago_seconds: int = 0) -> Challenge:
    """A challenge that was made a while ago."""
    return new_challenge("easy", errand, SECRET, datetime.now(UTC) - timedelta(seconds=ago_seconds))


def code(solution: str, errand: Errand = ERRAND, secret: bytes = SECRET) -> str | None:
    """The code of the refusal, if it is refused."""
    refusal = check_solution(solution, errand, secret)
    return None if refusal is None else refusal.code


def changed(solution: str, *path: str, value: Any) -> str:
    """The solution with one of its values changed."""
    whole = json.loads(base64.b64decode(solution))
    at = whole
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value(at[path[-1]]) if callable(value) else value
    return base64.b64encode(json.dumps(whole).encode()).decode()


def test_a_solution_is_good_for_its_redemption_as_often_as_it_is_sent() -> None:
    """Lost answers and places in line send the same request again: that needs no new work."""
    solution = solved(fresh())
    assert [code(solution) for _ in range(3)] == [None, None, None]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (Errand(100_002, "cup", "wish-1"), "captcha_mismatch"),
        (Errand(100_001, "vase", "wish-1"), "captcha_mismatch"),
        (Errand(100_002, "cup", "wish-2"), "captcha_mismatch"),
        (Errand(100_001, "cup", "wish-2"), "captcha_used"),
    ],
)
def test_for_anything_else_it_is_refused(other: Errand, expected: str) -> None:
    """For another member, another reward, another key."""
    assert code(solved(fresh()), other) == expected


def test_it_expires() -> None:
    """After ten minutes, to the second as the challenge itself says; nobody makes it younger."""
    assert code(solved(fresh(ago_seconds=CAPTCHA_SECONDS - 60))) is None
    old = solved(fresh(ago_seconds=CAPTCHA_SECONDS + 2))
    assert code(old) == "captcha_expired"
    assert code(changed(old, "challenge", "parameters", "expiresAt", value=lambda at: at + 3_600)) == "invalid_captcha"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("solution", "counter"), lambda counter: counter + 1),
        (("solution", "counter"), -1),
        (("solution", "counter"), "7"),
        (("solution", "derivedKey"), lambda key: "0" + key[1:] if key[0] != "0" else "1" + key[1:]),
        (("solution", "derivedKey"), None),
        (("challenge", "parameters", "keyPrefix"), ""),
        (("challenge", "parameters", "cost"), 1),
        (("challenge", "parameters", "data"), {"member": "100001", "reward": "cup", "key": "0" * 32}),
        (("challenge", "signature"), "0" * 64),
        (("challenge", "signature"), None),
    ],
)
def test_what_was_tampered_with_is_refused(path: tuple[str, ...], value: Any) -> None:
    """Whatever of the challenge or the solution is changed."""
    assert code(changed(solved(fresh()), *path, value=value)) == "invalid_captcha"


def test_another_installation_made_other_challenges() -> None:
    """The signature is by the installation's own secret, and by a part of it that quotes and tickets do not use."""
    assert code(solved(fresh()), secret=b"t" * 32) == "invalid_captcha"
    data = ERRAND.data
    with_the_bare_secret = altcha.create_challenge("PBKDF2/SHA-256", 100, counter=3, data=data, hmac_secret=SECRET)
    assert code(solved(with_the_bare_secret.to_dict())) == "invalid_captcha"


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda raw: base64.b64encode(raw).decode())))
def test_noise_is_refused(noise: str) -> None:
    """Whatever is sent is told to be no solution; nothing breaks."""
    assert code(noise) == "invalid_captcha"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["challenge", "parameters", "solution", "counter", "derivedKey", "data", "salt"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_shapes_are_refused(shape: Any) -> None:
    """JSON of any shape is no reason to break either."""
    assert code(base64.b64encode(json.dumps(shape).encode()).decode()) in ("invalid_captcha", "captcha_expired")


def test_what_is_too_long_is_not_looked_at() -> None:
    """A header may be long; a solution is not."""
    whole = json.loads(base64.b64decode(solved(fresh())))
    whole["padding"] = "x" * 10_000
    assert code(base64.b64encode(json.dumps(whole).encode()).decode()) == "invalid_captcha"


def test_the_key_is_not_shown() -> None:
    """What a shop calls its requests is no business of the browser that solves the challenge."""
    challenge = fresh(Errand(100_001, "cup", "order-of-zhang-wei"))
    assert b"zhang" not in msgspec.json.encode(challenge)
    assert challenge.parameters.data["member"] == "100001"


def test_every_level_asks_for_more() -> None:
    """And each of them is there."""
    assert set(TRIES) == set(get_args(Captcha))
    assert TRIES["easy"] < TRIES["normal"] < TRIES["hard"]


def test_which_rewards_ask() -> None:
    """Those that say so, while they can be had."""
    program = program_with_captcha()
    found = {reward: captcha_of(program, reward) for reward in ("cup", "vase", "old", "nothing")}
    assert found == {"cup": "easy", "vase": None, "old": None, "nothing": None}
    assert captcha_of(None, "cup") is None
