"""`jifen rules try` as a process: no database, one line for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.cli.support import ask, environment, jifen, refused

EVENT = {
    "specversion": "1.0",
    "id": "order-1001",
    "source": "shop",
    "type": "order.completed",
    "time": "2026-11-11T10:03:04+08:00",
    "data": {
        "order_id": "1001",
        "currency": "CNY",
        "lines": [{"line_id": "1", "quantity": 2, "paid_cents": 118_050}],
    },
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an event file, in which commands run."""
    (tmp_path / "event.json").write_text(json.dumps(EVENT), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_draft_is_tried_as_json(folder: Path) -> None:
    """In the folder nothing is made, least of all a database."""
    trial = ask("rules", "try", "starter", "--event", "event.json")
    assert trial["awards"] == [{"rule": "base", "wallet": "points", "points": 1180}]
    assert (trial["totals"], trial["program_version"]) == ({"points": 1180}, None)
    assert [(each["rule"], each["outcome"]) for each in trial["trace"]] == [("base", "awarded")]
    assert sorted(path.name for path in folder.iterdir()) == ["event.json"]


def test_the_member_and_the_instant_are_taken(folder: Path) -> None:
    """Of a template with tiers: a gold member on member day, in the future."""
    assert jifen("program", "new", "--template", "retail").returncode == 0
    (folder / "member.yaml").write_text("tier: gold\norders: 3\n", "utf-8")
    options = ["--event", "event.json", "--member", "member.yaml"]
    gold = ask("rules", "try", "retail.yaml", *options, "--at", "2031-03-05T12:00:00+08:00")
    assert gold["totals"] == {"points": 1770}
    member_day = ask("rules", "try", "retail.yaml", *options, "--at", "2031-03-08T12:00:00+08:00")
    assert member_day["totals"] == {"points": 2361}


def test_people_read_a_table(folder: Path) -> None:
    """Chinese first; the sum, and each rule with its reason."""
    done = jifen("rules", "try", "starter", "--event", "event.json", "--lang", "zh")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["按 2026-11-11 10:03 Asia/Shanghai 试算，不入账。", "共得：1,180 积分"]
    assert "符合：实付 1,180.50 元，每 1.00 元得 1 积分，得 1,180 积分。" in done.stdout
    done = jifen("rules", "try", "starter", "--event", "event.json", env=environment(LANG="en_US.UTF-8"))
    assert "Earned: 1,180 Points" in done.stdout


def test_wrong_files_are_told_in_one_line(folder: Path) -> None:
    """With the file and the field, exit code 2."""
    (folder / "bad.json").write_text(json.dumps(EVENT | {"time": "yesterday"}), "utf-8")
    (folder / "refund.json").write_text(
        json.dumps(EVENT | {"type": "order.refunded", "data": {"order_id": "1", "refund_id": "1"}}), "utf-8"
    )
    (folder / "member.yaml").write_text("tier: gold\nage: 7\n", "utf-8")
    (folder / "draft.yaml").write_text("name: 1\n", "utf-8")
    attempts = [
        (["starter", "--event", "no-such-file.json"], "There is no file no-such-file.json"),
        (["starter", "--event", "bad.json"], "bad.json: /time"),
        (["starter", "--event", "refund.json"], "refund.json: /type Refunds and corrections cannot be tried"),
        (["starter", "--event", "event.json", "--member", "member.yaml"], "member.yaml, line 2: $.age"),
        (["starter", "--event", "event.json", "--at", "tomorrow"], "--at is 'tomorrow'"),
        (["starter", "--event", "event.json", "--at", "1960-01-01T00:00:00Z"], "--at:"),
        (["draft.yaml", "--event", "event.json"], "draft.yaml, line 1: $"),
        (["no-such-program", "--event", "event.json"], "no program file"),
        (["starter"], "Missing option"),
    ]
    for arguments, said in attempts:
        assert said in refused(["rules", "try", *arguments])


def test_broken_json_is_told_by_line_and_column(folder: Path) -> None:
    """Of either file, and in Chinese without a word of the parser's."""
    (folder / "event.txt").write_text('{\n  "id": "1",\n  "type" "order.completed"\n}\n', "utf-8")
    (folder / "member.json").write_text('{"tier": "gold",\n "orders": 3', "utf-8")
    event = ["rules", "try", "starter", "--event", "event.txt"]
    member = ["rules", "try", "starter", "--event", "event.json", "--member", "member.json"]
    zh, en = (environment(LANG=f"{language}.UTF-8") for language in ("zh_CN", "en_US"))
    assert refused(event, en) == "jifen: event.txt: This is not JSON: line 3, column 10: a colon is missing here."
    said = "内容不是有效的 JSON：第 3 行第 10 列：这里缺少冒号。"
    assert refused(event, zh) == f"jifen: 不能用于试算：event.txt：{said}"
    assert "member.json: This is not JSON: line 2, column 13: it ends here" in refused(member, en)
    said = "内容不是有效的 JSON：第 2 行第 13 列：JSON 到这里没有写完。"
    assert refused(member, zh) == f"jifen: 不能用于试算：member.json：{said}"
