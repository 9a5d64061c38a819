"""`jifen rules check` and the way from a draft to a version on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jifen.services.programs import read_program_text
from jifen.services.templates import read_template
from tests.integration.cli.support import jifen, refused

LEAKY = """
name: {zh: 有漏洞的计划, en: A leaky program}
currency: CNY
time_zone: Asia/Shanghai
wallets: [{id: points, name: {zh: 积分, en: Points}, value: {points: 100, cents: 100}}]
most_reward_percent: 3
earning:
  - {id: base, wallet: points, ratio: {points: 1, per_cents: 100}}
  - {id: double, wallet: points, coefficient: {times: 2}, window: {yearly: ["11-11"]}}
  - {id: gold, wallet: points, coefficient: {times: 2}, audience: 'member.tier == "gold"'}
  - {id: never, wallet: points, fixed: 5, when: order.total_cents > 500000 && order.total_cents < 400000}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program that leaks."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leaky.yaml").write_text(LEAKY, "utf-8")
    return tmp_path


def test_a_clean_program(folder: Path) -> None:
    """Exit code 0, and the share that no order can pass where points have a value."""
    (folder / "coffee.yaml").write_text(read_template("coffee"), "utf-8")
    done = jifen("rules", "check", "coffee.yaml", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    most = report.pop("highest_reward_found")
    assert report == {"findings": [], "not_proven": [], "highest_reward_percent": "6.67"}
    assert (most["percent"], most["example"]["event"]["type"]) == ("6.66", "order.completed")


def test_the_programs_that_come_with_jifen() -> None:
    """No loop-hole; of the demo shop it is said that a free lottery and a coupon of a percentage have no bound."""
    for name in ("starter", "online-retail", "demo"):
        done = jifen("rules", "check", name, "--json")
        report = json.loads(done.stdout)
        assert (done.returncode, report["findings"]) == (0, [])
        unproven = [each["rule"] for each in report["not_proven"]]
        assert unproven == (["draw:lucky", "reward:tenth-off"] if name == "demo" else [])


def test_a_leaky_program(folder: Path) -> None:
    """Exit code 1; each finding with the event and the member that show it, in the language of the caller."""
    done = jifen("rules", "check", "leaky.yaml", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert [(each["kind"], each["rules"]) for each in report["findings"]] == [
        ("never_true", ["never"]),
        ("multiplying_overlap", ["double", "gold"]),
        ("rate_exceeded", ["base"]),
    ]
    assert report["highest_reward_percent"] == report["highest_reward_found"]["percent"] == "4.00"
    example = report["findings"][2]["counterexample"]
    (folder / "event.json").write_text(json.dumps(example["event"]), "utf-8")
    (folder / "member.json").write_text(json.dumps(example["member"]), "utf-8")
    tried = json.loads(
        jifen("rules", "try", "leaky.yaml", "--event", "event.json", "--member", "member.json", "--json").stdout
    )
    paid = sum(line["paid_cents"] for line in example["event"]["data"]["lines"])
    assert tried["totals"]["points"] * 100 == 4 * paid
    words = jifen("rules", "check", "leaky.yaml", "--lang", "zh").stdout
    assert "规则 never 的条件和时间窗口永远不会同时成立" in words and "3 个问题。" in words


def test_the_program_of_this_folder(folder: Path) -> None:
    """Whoever names none means the only one that is here; other files are none, and of several one must be named."""
    (folder / "mapping.yaml").write_text("name: {zh: 订单, en: Orders}\ncolumns: {order_id: no}\n", "utf-8")
    (folder / "old.yaml").write_bytes("wallets: 积分".encode("gb18030"))
    done = jifen("rules", "check", "--lang", "en")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "leaky.yaml: 3 findings.")
    (folder / "clean.yml").write_text(read_program_text("starter"), "utf-8")
    assert "name one of clean.yml, leaky.yaml" in refused(["rules", "check"])
    (folder / "clean.yml").unlink()
    (folder / "leaky.yaml").unlink()
    assert "no program file here" in refused(["rules", "check"])


def test_what_is_no_program(folder: Path) -> None:
    """One line that says what, where and how to mend it."""
    (folder / "wrong.yaml").write_text(LEAKY.replace("order.total_cents < 4", "order.totl_cents < 4"), "utf-8")
    line = refused(["rules", "check", "wrong.yaml"])
    assert "line 11" in line and "order.total_cents" in line
    assert "no program file" in refused(["rules", "check", "nothing.yaml"])


def test_from_a_draft_to_a_version(folder: Path) -> None:
    """Draft, check, publish; findings stop it unless somebody says why; then the versions are compared in words."""
    data = ["--data", str(folder / "shop"), "--lang", "en"]
    assert jifen("init", *data).returncode == 0
    (folder / "clean.yaml").write_text(read_program_text("starter").replace("points: 1,", "points: 2,"), "utf-8")
    assert "draft 1" in jifen("program", "draft", "clean.yaml", *data).stdout
    assert "0 findings" in jifen("program", "check", "1", *data).stdout
    assert "version 2" in jifen("program", "publish", "1", *data).stdout
    assert "changed from" in jifen("program", "diff", "1", "2", *data).stdout
    (folder / "leaky.yaml").write_text(LEAKY, "utf-8")
    assert jifen("program", "draft", "leaky.yaml", *data).returncode == 0
    assert jifen("program", "check", "2", *data).returncode == 1
    assert "accept" in refused(["program", "publish", "2", *data])
    accepted = jifen("program", "publish", "2", "--accept-findings", "for one day", *data)
    assert "version 3" in accepted.stdout
    listed = json.loads(jifen("program", "drafts", "--json", *data).stdout)
    assert [(each["id"], each["status"], each["published_version"]) for each in listed] == [
        (2, "published", 3),
        (1, "published", 2),
    ]


def test_a_file_is_applied_only_with_its_findings_accepted(folder: Path) -> None:
    """Nothing becomes a version unseen; and a program that cannot be applied starts no database."""
    data = ["--data", str(folder / "shop"), "--lang", "en"]
    (folder / "leaky.yaml").write_text(LEAKY, "utf-8")
    line = refused(["program", "apply", "leaky.yaml", *data])
    assert "findings" in line and "never_true" in line
    assert not (folder / "shop").exists()
    accepted = jifen("program", "apply", "leaky.yaml", "--accept-findings", "for one day", *data)
    assert (accepted.returncode, accepted.stderr) == (0, "")
    assert "version 2" in accepted.stdout or "version 1" in accepted.stdout


def test_alarms_are_told(folder: Path) -> None:
    """Exit code 1 where one rings, and 0 where all are quiet."""
    data = ["--data", str(folder / "shop"), "--lang", "en"]
    alarms = "alarms: {budget_percent: 80, issuance: [{id: first, wallet: points, period: week, most_points: 5}]}\n"
    (folder / "watched.yaml").write_text(read_program_text("starter") + alarms, "utf-8")
    assert jifen("program", "apply", "watched.yaml", *data).returncode == 0
    quiet = jifen("program", "alarms", *data)
    assert quiet.returncode == 0 and "quiet" in quiet.stdout
    wrong = alarms.replace("wallet: points", "wallet: gold")
    (folder / "wrong.yaml").write_text(read_program_text("starter") + wrong, "utf-8")
    assert "$.alarms.issuance[0].wallet" in refused(["program", "apply", "wrong.yaml", *data])


def test_what_is_not_proven_is_told_on_the_way_to_a_version(folder: Path) -> None:
    """By the check of a draft, and beside what publishing and applying answer: nothing is passed over."""
    data = ["--data", str(folder / "shop"), "--lang", "en"]
    assert jifen("init", *data).returncode == 0
    rule = "{id: odd, wallet: points, fixed: 1, when: 'order.channel.matches(\"(?i)^sh\")'}"
    text = read_program_text("starter").replace("earning:\n", f"earning:\n  - {rule}\n", 1)
    (folder / "odd.yaml").write_text(text, "utf-8")
    assert jifen("program", "draft", "odd.yaml", *data).returncode == 0
    assert "Not proven of odd: " in jifen("program", "check", "1", *data).stdout
    published = jifen("program", "publish", "1", "--accept-findings", "tried", *data)
    assert "Published as version 2" in published.stdout and "Not proven of odd: " in published.stderr
    (folder / "odd.yaml").write_text(text.replace("fixed: 1", "fixed: 2"), "utf-8")
    applied = jifen("program", "apply", "odd.yaml", "--accept-findings", "tried", *data)
    assert "version 3" in applied.stdout and "Not proven of odd: " in applied.stderr
