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
