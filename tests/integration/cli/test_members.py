"""`jifen members` as an operator calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.support import ask, jifen, refused


@pytest.fixture
def shop(bare_database_url: str) -> str:
    """A small demo shop."""
    ask("demo", "--members", "5", "--seed", "7", "--url", bare_database_url)
    return bare_database_url


def test_a_life_a_merge_and_its_undoing(shop: str) -> None:
    """By number or identity; the ledger is clean after each."""
    first, second = ask("members", "show", "100001", "--url", shop), ask("members", "show", "100002", "--url", shop)
    name = second["identities"][0]
    assert ask("members", "show", name, "--url", shop)["member_id"] == "100002"
    assert ask("members", "freeze", name, "--reason", "lost", "--url", shop)["status"] == "frozen"
    assert "member_frozen" in refused(["members", "merge", "100001", "--from", name, "--url", shop])
    assert ask("members", "unfreeze", name, "--url", shop)["status"] == "active"
    merged = ask("members", "merge", "100001", "--from", name, "--reason", "same", "--url", shop)
    assert (merged["member_id"], merged["from"]) == ("100001", "100002")
    assert ask("members", "show", name, "--url", shop)["member_id"] == "100001"
    assert ask("members", "show", "100002", "--url", shop)["merged_into"] == "100001"
    assert ask("verify", "--url", shop)["is_clean"]
    assert ask("members", "undo-merge", merged["merge_id"], "--url", shop)["identities"] == first["identities"]
    assert ask("members", "show", "100002", "--url", shop)["status"] == "active"
    assert ask("members", "close", "100002", "--url", shop)["status"] == "closed"
    assert ask("members", "anonymise", "100002", "--yes", "--url", shop)["identities"] == []
    assert ask("verify", "--url", shop)["is_clean"]


def test_tables_in_both_languages(shop: str) -> None:
    """Shown, and compared."""
    for language, words in (("zh", "正常"), ("en", "active")):
        told = jifen("members", "show", "100001", "--lang", language, "--url", shop)
        assert told.returncode == 0, told.stderr
        assert words in told.stdout
    told = jifen("members", "merge", "100001", "--from", "100003", "--lang", "en", "--url", shop)
    assert "undo-merge 100001-" in told.stderr
    for language, words in (("zh", "另一会员"), ("en", "other")):
        told = jifen("members", "duplicates", "--lang", language, "--url", shop)
        assert told.returncode == 0, told.stderr
        assert words in told.stdout
    assert ask("members", "duplicates", "--url", shop) == {"total": 0, "duplicates": []}


def test_what_is_wrong_is_told_in_one_line(shop: str, tmp_path: Path) -> None:
    """Nobody, no identity, no merge, not sure, no cursor."""
    assert "unknown_member" in refused(["members", "show", "9999", "--url", shop])
    assert "unknown_member" in refused(["members", "show", "x", "--url", shop])
    assert "invalid_identity" in refused(["members", "show", "fax:1", "--url", shop])
    assert "unknown_merge" in refused(["members", "undo-merge", "x", "--url", shop])
    assert "unknown_merge" in refused(["members", "undo-merge", "100001-99", "--url", shop])
    assert "same_member" in refused(["members", "merge", "100001", "--from", "100001", "--url", shop])
    assert "--yes" in refused(["members", "anonymise", "100001", "--url", shop])
    assert "cursor" in refused(["members", "duplicates", "--cursor", "x", "--url", shop])


def test_a_member_is_registered_with_all_that_is_known(bare_database_url: str, tmp_path: Path) -> None:
    """As the API would: fields in their declared types, verified identities, and one line for what does not fit."""
    program = tmp_path / "program.yaml"
    program.write_text(
        """
name: {zh: 店, en: Shop}
currency: CNY
time_zone: Asia/Shanghai
wallets: [{id: points, name: {zh: 积分, en: Points}}]
earning:
  - {id: base, wallet: points, ratio: {points: 1, per_cents: 100}, expiry: {policy: never}}
fields:
  - {id: size, type: string, name: {zh: 尺码, en: Size}, schema: {pattern: "^[SML]$"}}
  - {id: children, type: int, name: {zh: 孩子, en: Children}}
  - {id: newsletter, type: bool, name: {zh: 订阅, en: Newsletter}}
""",
        "utf-8",
    )
    here = ("--url", bare_database_url)
    assert jifen("program", "apply", program, *here).returncode == 0
    words = ["phone:13900000001", "card:77", "--verified", "phone:139 0000 0001", "--name", "李雷", "--gender", "male"]
    words += ["--birthday", "05-17", "--address", "city=杭州", "--field", "size=L", "--field", "children=2.0"]
    words += ["--field", "newsletter=是", "--tag", "tea", "--language", "zh-CN", "--channel", "store"]
    member = ask("members", "register", *words, "--reason", "at the till", *here)
    assert member["person"] | {"missing_fields": []} == {
        "name": "李雷",
        "gender": "male",
        "birthday": "05-17",
        "channel": "store",
        "language": "zh-CN",
        "address": {"city": "杭州"},
        "tier": "",
        "tags": ["tea"],
        "fields": {"size": "L", "children": 2, "newsletter": True},
        "missing_fields": [],
    }
    verified = {each["identity"]: each["verified_at"] is not None for each in member["identity_states"]}
    assert verified == {"phone:13900000001": True, "card:77": False}
    told = jifen("members", "register", "card:78", "--lang", "zh", *here)
    assert (told.returncode, "正常" in told.stdout) == (0, True), told.stderr
    wrong = [
        (["card:77"], "identity_taken"),
        (["fax:1"], "invalid_identity"),
        (["card:79", "--verified", "card:80"], "verified.0: card:80 is none of the identities"),
        (["card:79", "--birthday", "17.5."], "birthday: "),
        (["card:79", "--birthday", "2026-02-30"], "There is no day 2026-02-30"),
        (["card:79", "--gender", "x"], "gender: "),
        (["card:79", "--field", "size=XXL"], "size does not fit its declaration"),
        (["card:79", "--field", "children=many"], "children must be of type int"),
        (["card:79", "--field", "shoe=1"], "Members have no field 'shoe'"),
        (["card:79", "--field", "size"], "'size' is not NAME=TEXT"),
        (["card:79", "--address", "planet=Mars"], "planet"),
        ([f"card:{number}" for number in range(100, 121)], "identities: Expected `array` of length <= 20"),
    ]
    for arguments, words_of_it in wrong:
        assert words_of_it in refused(["members", "register", *arguments, "--lang", "en", *here])
    in_zh = refused(["members", "register", "card:79", "--gender", "x", "--lang", "zh", *here])
    assert "gender：" in in_zh and "Invalid enum value" not in in_zh.partition(" / ")[0], in_zh
    assert "unknown_member" in refused(["members", "show", "card:79", *here])
    assert ask("verify", *here)["is_clean"]
