"""`jifen tiers` as a shell runs it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from jifen.services.programs import parse_program
from tests.databases import add_program, fetch_sql
from tests.integration.cli.support import ask, ended, jifen, refused
from tests.integration.tier_texts import program_text


@pytest.fixture
def shop(bare_database_url: str) -> str:
    """A small demo shop whose program then gets tiers."""
    ask("init", "--program", "starter", "--url", bare_database_url)
    ask("demo", "--members", "30", "--seed", "7", "--url", bare_database_url)
    add_program(bare_database_url, parse_program(program_text(silver_cents=10_000)))
    return bare_database_url


def test_preview_recalculate_review(shop: str, tmp_path: Path) -> None:
    """What was ordered before there were tiers counts; a second run moves nobody; verify is clean (I-17, I-18)."""
    draft = tmp_path / "draft.yaml"
    draft.write_text(program_text(silver_cents=10_000), "utf-8")
    seen = ask("tiers", "preview", draft, "--limit", 5, "--url", shop)
    assert seen["members"] == 30
    assert 0 < seen["moving"] <= 30
    done = ask("tiers", "recalculate", "--url", shop)
    assert (done["status"], done["members_done"], done["members_moved"]) == ("done", 30, seen["moving"])
    assert ask("tiers", "recalculate", "--url", shop)["members_moved"] == 0
    assert ask("tiers", "preview", draft, "--url", shop)["moving"] == 0
    assert ask("tiers", "review", "--url", shop)["tiers_reviewed"] == 0
    assert ask("verify", "--url", shop)["is_clean"]


def test_tables_in_both_languages(shop: str, tmp_path: Path) -> None:
    """Counted and listed."""
    draft = tmp_path / "draft.yaml"
    draft.write_text(program_text(silver_cents=10_000), "utf-8")
    for language, words in (("zh", "现等级"), ("en", "would move")):
        told = jifen("tiers", "preview", draft, "--lang", language, "--url", shop)
        assert told.returncode == 0, told.stderr
        assert words in told.stdout
    told = jifen("tiers", "recalculate", "--lang", "zh", "--url", shop)
    assert "重新定级" in told.stdout
    told = jifen("tiers", "review", "--lang", "en", "--url", shop)
    assert "tiers changed" in told.stdout


def test_ctrl_c_says_how_to_go_on(shop: str) -> None:
    """In the middle of a page, which is done and counted: exit code 1, and the number with which it goes on."""
    code, told = ended(signal.SIGINT, "tiers", "recalculate", "--lang", "en", url=shop)
    assert code == 1, told
    number = told.strip().rpartition("--resume ")[2].rstrip(".")
    done = ask("tiers", "recalculate", "--resume", number, "--url", shop)
    moved = fetch_sql(shop, "SELECT count(*)::integer FROM transactions WHERE kind = 18")[0][0]
    assert (done["status"], done["members_done"], done["members_moved"]) == ("done", 30, moved)


def test_bad_input_is_one_line(shop: str, tmp_path: Path) -> None:
    """Exit code 2."""
    draft = tmp_path / "draft.yaml"
    draft.write_text(program_text().replace("period.orders", "period.ordres"), "utf-8")
    assert "did you mean period.orders" in refused(["tiers", "preview", draft, "--url", shop])
    assert "no recalculation 9" in refused(["tiers", "recalculate", "--resume", 9, "--url", shop])
    draft.write_text(program_text(), "utf-8")
    assert "`next`" in refused(["tiers", "preview", draft, "--after", "x", "--url", shop])
