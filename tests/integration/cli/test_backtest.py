"""`jifen backtest` as a shell runs it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from jifen.services.programs import read_program_text
from tests.databases import fetch_sql
from tests.integration.cli.support import ask, jifen, refused

ROWS = "SELECT (SELECT count(*) FROM transactions), (SELECT count(*) FROM movements), (SELECT count(*) FROM keys)"


@pytest.fixture
def shop(bare_database_url: str) -> str:
    """The database of a small demo shop."""
    ask("demo", "--members", "40", "--seed", "7", "--url", bare_database_url)
    return bare_database_url


def doubled(folder: Path, name: str = "翻倍") -> Path:
    """The demo's program with twice the rate, under another name."""
    text = read_program_text("demo").replace("points: 1, per_cents", "points: 2, per_cents")
    file = folder / "draft.yaml"
    file.write_text(text.replace("zh: 演示商店积分", f"zh: '{name}'"), "utf-8")
    return file


def test_the_same_program_as_json(shop: str) -> None:
    """No difference, exit code 0, and every sum fits the ledger."""
    report = ask("backtest", "--draft", "demo", "--url", shop)
    assert report["wallets"][0]["issued"]["difference"] == 0
    assert all(check["fits"] for check in report["checks"])
    assert report["orders"] > 100


def test_tables_in_both_languages_and_a_page(shop: str, tmp_path: Path) -> None:
    """The page is well formed, says nothing that runs, and nothing in the database changes."""
    before = fetch_sql(shop, ROWS)
    page = tmp_path / "report.html"
    draft = doubled(tmp_path, "<script>alert(1)</script> & more")
    for language, words in (("zh", ("发放", "会员：", "消费积分")), ("en", ("issued", "Members:", "Purchase points"))):
        done = jifen("backtest", "--draft", draft, "--html", page, "--workers", 1, "--lang", language, "--url", shop)
        assert done.returncode == 0, done.stderr
        assert all(word in done.stdout for word in words)
        opened = page.read_text("utf-8")
        assert f'id="choose-{language}" checked' in opened, "the page opens in the language of the call"
    text = page.read_text("utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in text
    assert "http" not in text, "the page needs nothing from anywhere"
    # The page's tags are those of XML but for a few that stand alone.
    for alone in ('<meta charset="utf-8">', 'initial-scale=1">', 'aria-label="中文">', 'aria-label="English">'):
        assert alone in text
        text = text.replace(alone, alone[:-1] + "/>")
    ElementTree.fromstring(text.replace("<!DOCTYPE html>", "").replace(" checked ", ' checked="" '))  # noqa: S314 - our own page
    assert fetch_sql(shop, ROWS) == before


def test_imported_history_is_told(bare_database_url: str, tmp_path: Path) -> None:
    """Imported as the program began, tried under tiers: who was silver then stands in the tables and on the page."""
    orders = tmp_path / "orders.csv"
    orders.write_text(
        "order_id,occurred_at,identity,line_id,sku,quantity,paid,refund_of\n"
        "h1,2024-01-05 10:00,phone:13800000001,1,TEA,1,600,\n"
        "h2,2024-03-05 10:00,phone:13800000001,1,TEA,1,700,\n"
    )
    ask("program", "apply", "starter", "--url", bare_database_url)
    ask("import", "orders", orders, "--mapping", "orders", "--url", bare_database_url)
    draft, page = tmp_path / "draft.yaml", tmp_path / "report.html"
    draft.write_text(
        read_program_text("starter")
        + """
tier_sets:
  - id: card
    name: {zh: 卡, en: Card}
    period: {kind: rolling_months, months: 3}
    downgrade: {policy: to_earned, review: monthly}
    tiers:
      - {id: plain, name: {zh: 普通, en: Plain}}
      - {id: silver, name: {zh: 银卡, en: Silver}, qualify: period.spent_cents >= 100000}
""",
        "utf-8",
    )
    done = jifen("backtest", "--draft", draft, "--html", page, "--lang", "en", "--url", bare_database_url)
    assert done.returncode == 0, done.stderr
    assert "Of it 2 transactions came as history" in done.stdout
    assert "Plain → Silver" in done.stdout
    opened = page.read_text("utf-8")
    assert all(
        word in opened for word in ("Moves by month", "各月的等级变动", "2024-03", "What came as history", "历史流水")
    )


def test_days_bound_the_period(shop: str) -> None:
    """Both are local days and included; an empty period is no error."""
    whole = ask("backtest", "--draft", "demo", "--url", shop)
    days = fetch_sql(
        shop,
        "SELECT min(occurred_at AT TIME ZONE 'Asia/Shanghai')::date::text, "
        "max(occurred_at AT TIME ZONE 'Asia/Shanghai')::date::text FROM transactions",
    )[0]
    same = ask("backtest", "--draft", "demo", "--since", days[0], "--until", days[1], "--url", shop)
    assert (same["transactions"], same["since"], same["until"]) == (whole["transactions"], *days)
    none = ask("backtest", "--draft", "demo", "--until", "2001-01-01", "--url", shop)
    assert none["transactions"] == 0


def test_bad_input(shop: str, tmp_path: Path) -> None:
    """One line, exit code 2; a page that cannot be written is told before the work is done."""
    for arguments, word in (
        (["--draft", tmp_path / "none.yaml"], "no program file"),
        (["--draft", "demo", "--since", "2026-13-01"], "--since"),
        (["--draft", "demo", "--until", "20260101"], "--until"),
        (["--draft", "demo", "--since", "2026-02-01", "--until", "2026-01-01"], "before it begins"),
        (["--draft", "demo", "--html", tmp_path / "none" / "report.html"], "cannot be written"),
        (["--draft", "demo", "--workers", "0"], "workers"),
        ([], "draft"),
    ):
        assert word in refused(["backtest", *arguments, "--url", shop])


def test_a_refused_backtest_leaves_the_page_that_was_there(shop: str, tmp_path: Path) -> None:
    """And none where there was none."""
    old, new = tmp_path / "old.html", tmp_path / "new.html"
    old.write_text("last month's", "utf-8")
    for page in (old, new):
        assert "GBP" in refused(["backtest", "--draft", "online-retail", "--html", page, "--url", shop])
    assert (old.read_text("utf-8"), new.exists()) == ("last month's", False)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """There is nothing to replay."""
    assert "no database" in refused(["backtest", "--draft", "demo", "--data", tmp_path / "data"])
