"""`jifen members describe, profile, changes, identities` and `jifen tiers show, grant, take-back`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.support import ask_here as ask
from tests.integration.cli.support import jifen_here as jifen
from tests.integration.cli.support import refused_here as refused

PROGRAM = """
name: {zh: 店, en: Shop}
currency: CNY
time_zone: Asia/Shanghai
wallets: [{id: points, name: {zh: 积分, en: Points}}]
earning:
  - {id: base, wallet: points, ratio: {points: 1, per_cents: 100}, expiry: {policy: never}}
fields:
  - {id: size, type: string, name: {zh: 尺码, en: Size}}
  - {id: children, type: int, name: {zh: 孩子, en: Children}}
tier_sets:
  - id: level
    name: {zh: 等级, en: Level}
    period: {kind: rolling_months, months: 12}
    downgrade: {policy: never}
    tiers:
      - {id: regular, name: {zh: 普通, en: Regular}}
      - {id: gold, name: {zh: 金卡, en: Gold}, qualify: period.spent_cents >= 1000000}
      - {id: plus, name: {zh: 尊享, en: Plus}, by: paid, valid_months: 12}
"""


@pytest.fixture
def shop(bare_database_url: str, tmp_path: Path) -> list[str]:
    """A shop with tiers, fields and one member."""
    program = tmp_path / "program.yaml"
    program.write_text(PROGRAM, "utf-8")
    here = ["--url", bare_database_url]
    done = jifen("program", "apply", program, "--accept-findings", "a test", *here)
    assert done.returncode == 0, done.stderr
    ask("members", "register", "card:1", "--name", "李雷", "--field", "size=L", "--tag", "tea", *here)
    return here


def test_what_is_known_of_a_person_changes(shop: list[str]) -> None:
    """What is left out stays, what is cleared goes; each step is told with who took it and why."""
    words = ["--birthday", "05-17", "--field", "children=2", "--tag", "vip", "--remove-tag", "tea"]
    person = ask("members", "describe", "card:1", *words, "--clear", "fields.size", "--reason", "called", *shop)[
        "person"
    ]
    assert (person["name"], person["birthday"], person["tags"]) == ("李雷", "05-17", ["vip"])
    assert person["fields"] == {"children": 2}
    assert ask("members", "describe", "card:1", "--clear", "birthday", *shop)["person"]["birthday"] is None
    profile = ask("members", "profile", "card:1", "--tag", "new", "--birthday", "1990-01-02", *shop)["person"]
    assert (profile["tags"], profile["birthday"], profile["fields"]) == (["new"], "1990-01-02", {})
    changes = ask("members", "changes", "card:1", *shop)["changes"]
    assert {each["kind"] for each in changes} == {"described"}
    assert [each["reason"] for each in changes if "reason" in each] == ["called"]
    for language, words_of_it in (("zh", "修改资料"), ("en", "described")):
        assert words_of_it in jifen("members", "changes", "card:1", "--lang", language, *shop).stdout
    for arguments, said in (
        (["describe", "card:1"], "nothing is said"),
        (["describe", "card:1", "--clear", "shoe"], "--clear"),
        (["describe", "card:1", "--birthday", "2026-02-30"], "There is no day 2026-02-30"),
        (["describe", "card:1", "--field", "children=x"], "children must be of type int"),
        (["profile", "card:1", "--birthday-window-from", "2026-02-30"], "There is no day 2026-02-30"),
        (["profile", "card:1", "--tier", "gold"], "tier_not_settable"),
    ):
        assert said in refused(["members", *arguments, "--lang", "en", *shop]), arguments
    assert "没有 2026-02-30 这一天" in refused(
        ["members", "describe", "card:1", "--birthday", "2026-02-30", "--lang", "zh", *shop]
    )


def test_identities_come_are_verified_and_go(shop: list[str]) -> None:
    """One must remain, and none is anybody else's."""
    identities = ["members", "identities"]
    added = ask(*identities, "add", "card:1", "phone:139 0000 0001", "email:A@B.cn", *shop)["identities"]
    assert added == ["card:1", "email:a@b.cn", "phone:13900000001"]
    states = ask(*identities, "verify", "card:1", "email:a@b.cn", *shop)["identity_states"]
    assert [each["identity"] for each in states if each["verified_at"]] == ["email:a@b.cn"]
    assert ask(*identities, "remove", "card:1", "email:a@b.cn", "phone:13900000001", *shop)["identities"] == ["card:1"]
    assert "last_identity" in refused([*identities, "remove", "card:1", "card:1", *shop])
    assert "unknown_identity" in refused([*identities, "verify", "card:1", "card:2", *shop])
    ask("members", "register", "card:2", *shop)
    assert "identity_taken" in refused([*identities, "add", "card:1", "card:2", *shop])
    assert "identities.0: " in refused([*identities, "add", "card:1", "fax:2", "--lang", "en", *shop])


def test_a_tier_is_given_and_taken_back(shop: list[str]) -> None:
    """For a payment that counts once; with its history, in both languages."""
    until = "2099-01-01T00:00:00+08:00"
    granted = ask("tiers", "grant", "card:1", "gold", "--until", until, "--reason", "vip", *shop)
    assert (granted["was"], granted["tier"], granted["by"]) == ("regular", "gold", "manual")
    assert ask("tiers", "take-back", "card:1", "--set", "level", *shop)["tier"] == "regular"
    assert "tier_not_granted" in refused(["tiers", "take-back", "card:1", *shop])
    paid = ["tiers", "grant", "card:1", "plus", "--payment", "p-1", "--key", "k", *shop]
    first, again = ask(*paid), ask(*paid)
    assert (first["tier"], again["status"]) == ("plus", "duplicate")
    assert again["transaction_id"] == first["transaction_id"]
    assert "payment_used" in refused(["tiers", "grant", "card:1", "plus", "--payment", "p-1", *shop])
    assert "payment_missing" in refused(["tiers", "grant", "card:1", "plus", *shop])
    assert "unknown_tier" in refused(["tiers", "grant", "card:1", "x", *shop])
    assert "--until" in refused(["tiers", "grant", "card:1", "gold", "--until", "2099", *shop])
    shown = ask("tiers", "show", "card:1", "--limit", "2", *shop)
    assert [each["cause"] for each in shown["changes"]] == ["granted", "withdrawn"]
    rest = ask("tiers", "show", "card:1", "--cursor", shown["next_cursor"], *shop)
    assert [each["reason"] for each in rest["changes"]] == ["vip"]
    assert "cursor" in refused(["tiers", "show", "card:1", "--cursor", "x", *shop])
    for language, words in (("zh", ("尊享", "授予", "收回")), ("en", ("Plus", "granted", "taken back"))):
        told = jifen("tiers", "show", "card:1", "--lang", language, *shop)
        assert all(each in told.stdout for each in words), told
    assert ask("verify", *shop)["is_clean"]


def test_recalculations_are_listed_and_stopped(shop: list[str]) -> None:
    """Wherever they were begun; one that is over stays as it is."""
    number = ask("tiers", "recalculate", *shop)["id"]
    (listed,) = ask("tiers", "recalculations", *shop)
    assert (listed["recalculation_id"], listed["status"]) == (str(number), "done")
    assert ask("tiers", "stop", number, *shop)["status"] == "done"
    assert "已完成" in jifen("tiers", "recalculations", "--lang", "zh", *shop).stdout
    assert "recalculation" in refused(["tiers", "stop", "77", "--lang", "en", *shop])


def test_drafts_and_segments_are_changed(shop: list[str], tmp_path: Path) -> None:
    """A draft is thrown away; a segment gets another condition and keeps its name."""
    number = ask("program", "draft", tmp_path / "program.yaml", *shop)["id"]
    assert ask("program", "discard", number, *shop)["id"] == number
    assert str(number) in refused(["program", "discard", number, *shop])
    names = ["--name-zh", "茶客", "--name-en", "Tea"]
    ask("segments", "create", "tea", *names, "--condition", '"tea" in member.tags', *shop)
    changed = ask("segments", "change", "tea", "--condition", '"coffee" in member.tags', *shop)
    assert (changed["name"]["zh"], changed["condition"]) == ("茶客", '"coffee" in member.tags')
    assert ask("segments", "change", "tea", "--name-en", "Coffee", *shop)["name"] == {"zh": "茶客", "en": "Coffee"}
    assert "--condition" in refused(["segments", "change", "tea", *shop])
