"""Captchas over HTTP: work that must be done before a reward is redeemed, once for each redemption."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from jifen.db.connection import connect
from jifen.db.embedded import EmbeddedAddress
from jifen.services.captcha import CAPTCHA_SECONDS, Errand, new_challenge
from jifen.services.catalog import Catalog
from tests.databases import DEFAULT_PROGRAM
from tests.integration.api.server import Server, balance, make_key, member_with, serving, unique
from tests.redeeming import solved, with_captcha


@pytest.fixture(scope="module")
def server(database_server: EmbeddedAddress) -> Iterator[Server]:
    """Two workers on a database whose program has rewards that ask for a captcha."""
    with serving(database_server, with_captcha(DEFAULT_PROGRAM), workers=2) as server:
        yield server


def challenge(client: httpx.Client, member: str, key: str, reward: str = "e-book") -> dict[str, Any]:
    """A challenge for a redemption."""
    answer = client.get(f"/v1/rewards/{reward}/captcha", params={"member": member, "idempotency_key": key})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


def redeem(
    client: httpx.Client, member: str, key: str | None, solution: str | None, reward: str = "e-book", **headers: str
) -> httpx.Response:
    """Ask for a reward with a solution."""
    if key is not None:
        headers["idempotency-key"] = key
    if solution is not None:
        headers["jifen-captcha"] = solution
    return client.post(f"/v1/members/{member}/redemptions", json={"reward": reward}, headers=headers)


def code(answer: httpx.Response) -> str:
    """What an answer comes to: its status in the ledger, or the code of the problem."""
    found: str = answer.json().get("code") or answer.json()["status"]
    return found


def test_who_has_done_the_work_redeems(client: httpx.Client) -> None:
    """Challenge, solution, redemption; the same request again gives the same answer."""
    member, key = member_with(client, 100), unique("wish")
    solution = solved(challenge(client, member, key))
    first = redeem(client, member, key, solution)
    again = redeem(client, member, key, solution)
    assert (first.status_code, code(first), code(again)) == (201, "applied", "duplicate")
    assert again.json()["transaction_id"] == first.json()["transaction_id"]
    assert balance(client, member)["available"] == 90


def test_a_first_answer_comes_again_with_new_work(client: httpx.Client) -> None:
    """Whoever has lost both answer and solution solves anew for the same key."""
    member, key = member_with(client, 100), unique("wish")
    first = redeem(client, member, key, solved(challenge(client, member, key)))
    again = redeem(client, member, key, solved(challenge(client, member, key)))
    assert (code(first), code(again)) == ("applied", "duplicate")
    assert again.json()["transaction_id"] == first.json()["transaction_id"]


def test_a_refused_try_uses_up_nothing(client: httpx.Client) -> None:
    """Whoever had too few points earns some and asks again, with the same key and the same work: once."""
    member, key = member_with(client, 5), unique("wish")
    solution = solved(challenge(client, member, key))
    for _ in range(2):
        assert code(redeem(client, member, key, solution)) == "insufficient_points"
    earned = client.post(f"/v1/members/{member}/adjust", json={"points": 100})
    assert earned.status_code == 200, earned.text
    answers = [redeem(client, member, key, solution) for _ in range(3)]
    assert [code(each) for each in answers] == ["applied", "duplicate", "duplicate"]
    assert balance(client, member)["available"] == 95


def test_each_way_to_go_wrong_has_its_own_code(server: Server, client: httpx.Client) -> None:
    """Nothing of it changes anything in the ledger, and each is told in both languages."""
    member, other, key = member_with(client, 100), member_with(client, 100), unique("wish")
    solution = solved(challenge(client, member, key))
    of_other = solved(challenge(client, other, key))
    whole = json.loads(base64.b64decode(solution))
    whole["solution"]["counter"] += 1
    tampered = base64.b64encode(json.dumps(whole).encode()).decode()
    before = server.ledger()
    tries = [
        (redeem(client, member, key, None), 422, "captcha_needed"),
        (redeem(client, member, None, solution), 422, "captcha_needed"),
        (redeem(client, member, key, "nonsense"), 422, "invalid_captcha"),
        (redeem(client, member, key, tampered), 422, "invalid_captcha"),
        (redeem(client, member, key, of_other), 422, "captcha_mismatch"),
        (redeem(client, member, key, solution, "cup"), 422, "captcha_mismatch"),
        (redeem(client, member, unique("wish"), solution), 409, "captcha_used"),
        (redeem(client, member, key, expired(server, member, key)), 409, "captcha_expired"),
    ]
    assert [(answer.status_code, code(answer)) for answer, _, _ in tries] == [each[1:] for each in tries]
    assert server.ledger() == before
    told = redeem(client, member, key, None, **{"accept-language": "zh"}).json()
    assert told["detail"].startswith("e-book 需要人机验证：请用 GET /v1/rewards/e-book/captcha")
    assert code(redeem(client, member, key, solution)) == "applied"


def expired(server: Server, member: str, key: str) -> str:
    """The solution of a challenge that this installation made too long ago."""

    async def secret() -> bytes:
        connection = await connect(server.url)
        try:
            catalog = Catalog()
            await catalog.refresh(connection)
            return catalog.quote_secret
        finally:
            await connection.close()

    then = datetime.now(UTC) - timedelta(seconds=CAPTCHA_SECONDS + 1)
    return solved(new_challenge("easy", Errand(int(member), "e-book", key), asyncio.run(secret()), then))


def test_one_solution_is_good_once_however_many_send_it(client: httpx.Client) -> None:
    """Forty at once over two workers: with the key that it was made for it is one redemption, with others none."""
    member, key = member_with(client, 1_000), unique("wish")
    solution = solved(challenge(client, member, key))
    keys = [key if number % 2 else unique("wish") for number in range(40)]
    with ThreadPoolExecutor(20) as crowd:
        codes = list(crowd.map(lambda each: code(redeem(client, member, each, solution)), keys))
    assert (codes.count("applied"), codes.count("duplicate"), codes.count("captcha_used")) == (1, 19, 20)
    assert balance(client, member)["available"] == 990


def test_sold_out_is_told_before_anybody_works(client: httpx.Client) -> None:
    """To whoever redeems without a solution, and to whoever asks for a challenge; who had it gets the first answer."""
    winner, loser, key = member_with(client, 200), member_with(client, 200), unique("wish")
    set_cups(client, 1)
    solution = solved(challenge(client, winner, key, "cup"))
    too_late = unique("wish")
    solution_too_late = solved(challenge(client, loser, too_late, "cup"))
    assert code(redeem(client, winner, key, solution, "cup")) == "applied"

    def until_sold_out(ask: Any) -> str:
        """Each worker remembers it once the engine has told it so: whoever has done the work asks until both do."""
        for _ in range(100):
            answer: httpx.Response = ask()
            if answer.status_code != 200 and code(answer) == "sold_out":
                return "sold_out"
            redeem(client, loser, too_late, solution_too_late, "cup")
        return "never"

    query = {"member": loser, "idempotency_key": "any"}
    assert until_sold_out(lambda: redeem(client, loser, unique("wish"), None, "cup")) == "sold_out"
    assert until_sold_out(lambda: client.get("/v1/rewards/cup/captcha", params=query)) == "sold_out"
    assert code(redeem(client, winner, key, solution, "cup")) == "duplicate"


def set_cups(client: httpx.Client, pieces: int) -> None:
    """So many cups there ever were."""
    answer = client.post("/v1/rewards/cup/stock", json={"pieces": pieces, "reason": "for a test"})
    assert answer.status_code == 200, answer.text


def test_keys_of_tills_need_none(server: Server, client: httpx.Client) -> None:
    """A role says so; one that approves is none of that kind."""
    member = member_with(client, 100)
    with server.client(make_key(server.url, roles=("clerk",))) as clerk:
        assert code(redeem(clerk, member, unique("wish"), None)) == "captcha_needed"
    with server.client(make_key(server.url, roles=("without-captcha",))) as till:
        assert code(redeem(till, member, None, None)) == "applied"


def test_rewards_without_a_captcha_take_no_notice(client: httpx.Client) -> None:
    """Neither of its absence, nor of a header that nobody asked for."""
    member = member_with(client, 500)
    assert code(redeem(client, member, None, None, "five-yuan")) == "applied"
    assert code(redeem(client, member, None, "nonsense", "five-yuan")) == "applied"
    catalogue = {each["reward_id"]: each["captcha"] for each in client.get("/v1/rewards").json()["rewards"]}
    assert (catalogue["e-book"], catalogue["five-yuan"]) == ("easy", None)


@pytest.mark.parametrize(
    ("reward", "query", "status", "expected"),
    [
        ("nothing", "member=100001&idempotency_key=x", 404, "unknown_reward"),
        ("lounge", "member=100001&idempotency_key=x", 404, "unknown_reward"),
        ("vase", "member=100001&idempotency_key=x", 409, "captcha_not_asked"),
        ("e-book", "member=99999999999999999999&idempotency_key=x", 422, "invalid_parameter"),
        ("e-book", "member=100001", 422, "invalid_parameter"),
        ("e-book", "idempotency_key=x", 422, "invalid_parameter"),
        ("e-book", "member=100001&idempotency_key=", 422, "invalid_parameter"),
        ("e-book", "member=100001&idempotency_key=%E7%A7%AF", 422, "invalid_parameter"),
        ("e-book", "member=100001&idempotency_key=x&idempotency_key=y", 422, "invalid_parameter"),
    ],
)
def test_challenges_that_nobody_gets(client: httpx.Client, reward: str, query: str, status: int, expected: str) -> None:
    """Each says why."""
    answer = client.get(f"/v1/rewards/{reward}/captcha?{query}")
    assert (answer.status_code, code(answer)) == (status, expected)


def test_a_challenge_needs_a_key(server: Server) -> None:
    """As everything under /v1."""
    answer = httpx.get(f"{server.base}/v1/rewards/e-book/captcha?member=1&idempotency_key=x", trust_env=False)
    assert (answer.status_code, code(answer)) == (401, "unauthorized")
