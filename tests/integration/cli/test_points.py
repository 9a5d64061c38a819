"""`jifen points` and `jifen events` as a shop calls them: every command, with keys, and in the wrong way."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jifen.core.refusal import Refusal
from jifen.core.wallets.commands import DecideApproval
from jifen.engine.engine import Engine
from jifen.engine.submission import Answer, Submission
from tests.integration.cli.support import ask_here as ask
from tests.integration.cli.support import jifen_here as jifen
from tests.integration.cli.support import refused_here as refused

PROGRAM = """
name: {zh: 店, en: Shop}
currency: CNY
time_zone: Asia/Shanghai
wallets:
  - {id: points, name: {zh: 积分, en: Points}}
  - {id: miles, name: {zh: 里程, en: Miles}}
earning:
  - {id: base, wallet: points, ratio: {points: 1, per_cents: 100}, expiry: {policy: never}}
conversions:
  - {id: to-miles, from: points, to: miles, give: 5, get: 2, fee_points: 1}
gifts: {wallets: [points], most: 500}
bank: {wallet: points, expiry: {policy: rolling, months: 24}, share_percent: 100, window_days: 90}
adjustments:
  limit_points: 5000
  reasons: [{code: goodwill, name: {zh: 关怀, en: Goodwill}}]
offset: {wallet: points, points: 100, cents: 100, least_points: 100, most_percent: 50}
"""
SOON = (datetime.now(UTC) + timedelta(days=30)).isoformat()


@pytest.fixture
def shop(bare_database_url: str, tmp_path: Path) -> list[str]:
    """A shop with two members, of whom the first has 1,000 points that expire soon."""
    program = tmp_path / "program.yaml"
    program.write_text(PROGRAM, "utf-8")
    here = ["--url", bare_database_url]
    done = jifen("program", "apply", program, "--accept-findings", "a test", *here)
    assert done.returncode == 0, done.stderr
    for card in ("card:1", "card:2"):
        ask("members", "register", card, *here)
    ask("points", "adjust", "card:1", "1000", "--reason-code", "goodwill", "--expires-at", SOON, *here)
    return here


def available(shop: list[str], member: str, wallet: str = "points") -> int:
    """What can be spent."""
    found: int = ask("points", "balances", member, *shop)["balances"][wallet]["available"]
    return found


def decided(shop: list[str], number: str, actor: str) -> Answer | Refusal:
    """What becomes of a request that somebody else approves."""

    async def decide() -> Answer | Refusal:
        engine = Engine(shop[1])
        await engine.start()
        try:
            command = DecideApproval(int(number), True)
            return await engine.submit(Submission(command, actor, "decide", b"", actor))
        finally:
            await engine.stop()

    return asyncio.run(decide())


def test_points_come_and_go(shop: list[str]) -> None:
    """Down, given away, spent and given back, converted, saved: each command books what the API would."""
    why = ["--reason-code", "goodwill"]
    assert ask("points", "adjust", "card:1", "-50", *why, "--reason", "twice", *shop)["points"] == -50
    given = ask("points", "gift", "card:1", "100", "--to", "card:2", *shop)
    other = ask("members", "show", "card:2", *shop)["member_id"]
    assert (given["kind"], given["counterpart"].split("-")[0]) == ("transfer", other)
    spent = ask("points", "spend", "card:1", "30", "--reference", "coffee", *shop)
    assert ask("points", "reverse", spent["transaction_id"], *shop)["refers_to"] == spent["transaction_id"]
    converted = ask("points", "convert", "card:1", "50", "--by", "to-miles", *shop)["converted"]
    assert (converted["gross"], converted["fee"], converted["got"]) == (20, 1, 19)
    assert available(shop, "card:1") == 800
    assert available(shop, "card:1", "miles") == 19
    assert available(shop, "card:2") == 100
    pages = ask("points", "history", "card:1", "--limit", "2", *shop)
    assert [each["kind"] for each in pages["transactions"]] == ["convert", "reverse"]
    rest = ask("points", "history", "card:1", "--cursor", pages["next_cursor"], "--kind", "spend", *shop)
    assert [each["reference"] for each in rest["transactions"]] == ["coffee"]
    assert ask("points", "show", spent["transaction_id"], *shop)["movements"][0]["points"] == 30
    assert "使用 30 积分" in ask("points", "explain", spent["transaction_id"], "--lang", "zh", *shop)["title"]
    assert ask("verify", *shop)["is_clean"]


def test_the_points_bank(shop: list[str], tmp_path: Path) -> None:
    """Earned points that expire soon go in, as far as the program's share reaches, and come out."""
    assert "limit_reached" in refused(["points", "save", "card:1", "900", *shop])
    assert "insufficient_savings" in refused(["points", "unsave", "card:1", "1", *shop])
    line = {"line_id": "1", "sku": "A", "quantity": 1, "paid_cents": 10_000}
    order = event("order.completed", "o8", {"order_id": "8", "currency": "CNY", "lines": [line]})
    assert send(shop, tmp_path, order)["status"] == "applied"
    saved = ask("points", "save", "card:1", "60", "--key", "in", *shop)
    assert (saved["kind"], saved["points"], available(shop, "card:1")) == ("save", 60, 1_040)
    assert ask("points", "save", "card:1", "60", "--key", "in", *shop)["status"] == "duplicate"
    assert "limit_reached" in refused(["points", "save", "card:1", "41", *shop])
    back = ask("points", "unsave", "card:1", "20", *shop)
    assert (back["kind"], back["points"], available(shop, "card:1")) == ("unsave", 20, 1_060)
    told = jifen("points", "unsave", "card:1", "40", "--lang", "zh", *shop)
    assert (told.returncode, available(shop, "card:1")) == (0, 1_100), told.stderr
    assert ask("verify", *shop)["is_clean"]


def test_an_order_that_points_pay_part_of(shop: list[str], tmp_path: Path) -> None:
    """Quote, hold, the order as an event from a file, its refund; and a checkout that is called off."""
    quote = ask("points", "offset", "card:1", "--total-cents", "1000", *shop)
    assert (quote["points"], quote["cents"]) == (500, 500)
    hold = ask("points", "hold", "card:1", "500", "--reference", "cart", *shop)["hold_id"]
    line = {"line_id": "1", "sku": "A", "quantity": 2, "paid_cents": 500}
    offset = {"hold_id": hold, "points": 500, "cents": 500}
    data = {"order_id": "7", "currency": "CNY", "lines": [line], "offset": offset}
    order = event("order.completed", "o7", data)
    assert send(shop, tmp_path, order)["status"] == "applied"
    assert send(shop, tmp_path, order)["status"] == "duplicate"
    assert ask("points", "held", hold, *shop)["status"] == "captured"
    back = {"order_id": "7", "refund_id": "r", "lines": [{"line_id": "1", "quantity": 1}]}
    refund = send(shop, tmp_path, event("order.refunded", "r7", back))["refund"]
    assert (refund["points"], refund["cash_cents"]) == (250, 250)
    other = ask("points", "hold", "card:1", "100", *shop)["hold_id"]
    assert ask("points", "capture", other, "--points", "40", "--release-rest", *shop)["points"] == 40
    assert "hold_closed" in refused(["points", "release", other, *shop])
    third = ask("points", "hold", "card:1", "100", *shop)["hold_id"]
    assert ask("points", "release", third, *shop)["kind"] == "release"
    assert ask("verify", *shop)["is_clean"]


def test_a_list_of_events_does_what_it_can(shop: list[str], tmp_path: Path) -> None:
    """Each is told; any that is refused makes the exit code 1. A single one is refused as any command is."""
    file = tmp_path / "events.json"
    good, bad = event("member.checked_in", "c1", {}), event("no.such.thing", "c2", {})
    file.write_text(json.dumps([good, bad, {"id": "c3"}]), "utf-8")
    results = ask("events", "send", file, *shop, code=1)["results"]
    assert [each["status"] for each in results] == ["applied", "refused", "refused"]
    told = jifen("events", "send", file, "--lang", "zh", *shop)
    assert (told.returncode, "被拒绝" in told.stdout, "此前已记入" in told.stdout) == (1, True, True), told.stderr
    file.write_text(json.dumps(bad), "utf-8")
    assert "unknown_event_type" in refused(["events", "send", file, *shop])
    file.write_text('{"id": ', "utf-8")
    assert "malformed_json" in refused(["events", "send", file, *shop])
    assert "FILE" in refused(["events", "send", tmp_path / "none", *shop])


def test_a_key_makes_a_call_unique(shop: list[str]) -> None:
    """Called again it is done once (known failure 33); another content is refused; people are told."""
    call = ["points", "spend", "card:1", "10", "--key", "till 7", *shop]
    first, again = ask(*call), ask(*call)
    assert (first["status"], again["status"]) == ("applied", "duplicate")
    assert again["transaction_id"] == first["transaction_id"]
    assert "同一个键" in jifen(*call, "--lang", "zh").stderr
    assert "key_conflict" in refused(["points", "spend", "card:1", "11", "--key", "till 7", *shop])
    assert "invalid_idempotency_key" in refused(["points", "spend", "card:1", "11", "--key", "", *shop])
    assert available(shop, "card:1") == 990


def test_above_the_limit_somebody_else_must_agree(shop: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked cannot, whatever the environment calls them: nothing is booked before another agrees."""
    call = ["points", "adjust", "card:1", "6000", "--reason-code", "goodwill", "--key", "big", *shop]
    asked = ask(*call)
    assert asked["state"] == "waiting"
    assert ask(*call)["approval_id"] == asked["approval_id"]
    number = asked["approval_id"]
    assert f"approvals approve {number}" in jifen(*call, "--lang", "en").stderr
    assert "own_request" in refused(["approvals", "approve", number, *shop])
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody")
    assert "own_request" in refused(["approvals", "approve", number, *shop])
    shown = ask("approvals", "show", number, *shop)
    assert (shown["state"], shown["command"]["points"]) == ("waiting", 6000)
    assert available(shop, "card:1") == 1000
    assert isinstance(decided(shop, number, "cli:the-second-person"), Answer)
    assert available(shop, "card:1") == 7000
    told = jifen("approvals", "show", number, "--lang", "zh", *shop)
    assert (told.returncode, "已批准" in told.stdout) == (0, True), told.stderr
    assert ask("verify", *shop)["is_clean"]


def test_tables_in_both_languages(shop: list[str]) -> None:
    """What every command says to people."""
    spent = ask("points", "spend", "card:1", "10", *shop)["transaction_id"]
    for arguments, zh, en in (
        (["adjust", "card:1", "5", "--reason-code", "goodwill"], "调整", "adjust"),
        (["balances", "card:1"], "将到期", "expiring"),
        (["history", "card:1"], "流水", "transaction"),
        (["history", "card:1", "--kind", "spend"], "-10 ", "-10 "),
        (["show", spent], "已消耗", "spent"),
        (["explain", spent, "--for", "member"], "积分", "Points"),
        (["offset", "card:1", "--total-cents", "2000"], "10.00 元", "CNY 10.00"),
        (["hold", "card:1", "5"], "预占至", "held until"),
        (["history", "card:1", "--kind", "hold"], "(5 ", "(5 "),
        (["adjust", "card:1", "9000", "--reason-code", "goodwill"], "待另一人复核", "second person"),
    ):
        for language, words in (("zh", zh), ("en", en)):
            told = jifen("points", *arguments, "--lang", language, *shop)
            assert told.returncode == 0, told.stderr
            assert words in told.stdout, arguments


WRONG = (
    (["adjust", "card:1", "0", "--reason-code", "goodwill"], "is not 0"),
    (["adjust", "card:1", "5"], "reason_code_needed"),
    (["adjust", "card:1", "1.5"], "POINTS"),
    (["adjust", "card:1", str(10**16), "--reason-code", "goodwill"], "points: "),
    (["gift", "card:1", "600", "--to", "card:2"], "above_most"),
    (["gift", "card:1", "5", "--to", "card:1"], "same_member"),
    (["gift", "card:1", "5"], "--to"),
    (["spend", "card:1", "2000"], "1,000 points short"),
    (["spend", "card:1", "0"], "points: "),
    (["spend", "card:1", "1", "--wallet", "x"], "unknown_wallet"),
    (["spend", "card:9", "1"], "unknown_member"),
    (["spend", "card:1", "1", "--reason", "a\x07"], "invalid_text"),
    (["spend", "card:1", "1", "--reference", "\udcff"], "invalid_text"),
    (["convert", "card:1", "7", "--by", "to-miles"], "not_a_whole_step"),
    (["convert", "card:1", "10", "--by", "x"], "unknown_conversion"),
    (["hold", "card:1", "5", "--expires-at", "tomorrow"], "--expires-at"),
    (["capture", "x"], "unknown_hold"),
    (["held", "100001-99"], "unknown_hold"),
    (["reverse", "100001-99"], "unknown_transaction"),
    (["explain", "x"], "unknown_transaction"),
    (["history", "card:1", "--kind", "x"], "--kind"),
    (["history", "card:1", "--cursor", "x"], "cursor"),
    (["balances", "card:1", "--as-of", "2999-01-01T00:00:00Z"], "--as-of"),
)


def test_what_is_wrong_is_told_in_one_line(shop: list[str]) -> None:
    """With the codes of the API, and nothing is booked."""
    for arguments, said in WRONG:
        assert said in refused(["points", *arguments, "--lang", "en", *shop]), arguments
    assert available(shop, "card:1") == 1000
    assert ask("verify", *shop)["is_clean"]


def event(kind: str, name: str, data: dict[str, Any]) -> dict[str, Any]:
    """A CloudEvent of the first member."""
    return {"specversion": "1.0", "type": kind, "source": "till", "id": name, "subject": "card:1", "data": data}


def send(shop: list[str], folder: Path, one: dict[str, Any]) -> dict[str, Any]:
    """What becomes of an event that comes from a file."""
    file = folder / "event.json"
    file.write_text(json.dumps(one), "utf-8")
    result: dict[str, Any] = ask("events", "send", file, *shop)
    return result
