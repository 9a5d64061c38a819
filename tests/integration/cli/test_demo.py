"""`jifen demo` as a shell runs it."""

from __future__ import annotations

from tests.databases import fetch_sql, run_sql
from tests.integration.cli.support import ask, jifen, refused


def test_a_day_is_told_in_both_languages(bare_database_url: str) -> None:
    """The first makes the shop, later ones find it; every act has its line, and JSON has all figures."""
    url = ("--url", bare_database_url)
    told = jifen("demo", "--members", "10", "--day", "--lang", "zh", *url)
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert lines[0] == "演示商店的第 1 天"
    assert [line.partition(".")[0] for line in lines if line.startswith(("✓", "✗"))] == [
        f"✓ {act}" for act in range(1, 11)
    ]
    for words in (
        "新会员 300，表内重复 8，未导入 12",
        "own_request",
        "approval_by_requester",
        "SF000000000001",
        "coupon_used",
        "售出 20",
        "20 次相符",
        "全部相符。",
    ):
        assert words in told.stdout
    report = ask("demo", "--day", *url)
    assert (report["day"], report["is_right"], report["shop"]) == (2, True, None)
    assert report["evening"]["members"] == 10 + 2 * 301
    told = jifen("demo", "--day", "--lang", "en", *url)
    assert told.stdout.startswith("Day 3 in the demo shop\n")
    for words in ("300 new members, 8 repeated, 12 rejected", "20 sold", "20 of 20 are right", "Everything fits."):
        assert words in told.stdout
    both = jifen("demo", "--day", *url).stdout
    assert "演示商店的第 4 天\nDay 4 in the demo shop\n" in both
    run_sql(bare_database_url, "UPDATE accounts SET available = available + 1 WHERE available > 0")
    broken = jifen("demo", "--day", "--lang", "en", *url)
    assert broken.returncode == 1
    assert "✗ 10." in broken.stdout and "found: account_balance" in broken.stdout
    assert broken.stdout.endswith("did not come out as it must.\n")


def test_the_figures_of_a_shop_and_its_first_day(bare_database_url: str) -> None:
    """Without `--day` the shop alone; with it, what it is made of stands beside the day."""
    report = ask("demo", "--members", "10", "--day", "--url", bare_database_url)
    assert (report["day"], report["shop"]["members"], report["shop"]["refused"]) == (1, 10, 0)
    assert report["evening"]["findings"] == {}


def test_the_rewards_of_a_fresh_shop_are_judged(bare_database_url: str) -> None:
    """They were on offer all its year: none is too new, and some are slow, of which at least one should go. Figures out
    of range are refused before anything is made."""
    url = ("--url", bare_database_url)
    assert "3660 days" in refused(["demo", "--days", "99999999999", *url])
    assert fetch_sql(bare_database_url, "SELECT count(*) FROM program_versions") == [(0,)]
    ask("demo", "--members", "60", *url)
    report = ask("rewards", "slow", *url)
    assert {each["reason"] for each in report["left_out"]} == {"sold_out"}
    assert report["rewards"] and "retire" in {each["proposal"] for each in report["rewards"]}


def test_the_rewards_of_a_shop_are_judged_in_a_database_that_was_made_before(bare_database_url: str) -> None:
    """`jifen init --program demo` has the program begin where its shop will; a program of one's own begins now."""
    url = ("--url", bare_database_url)
    assert jifen("init", "--program", "demo", *url).returncode == 0
    ask("demo", "--members", "20", *url)
    assert "too_new" not in {each["reason"] for each in ask("rewards", "slow", *url)["left_out"]}


def test_a_day_needs_the_program_of_the_demo(bare_database_url: str) -> None:
    """One line says what is missing; the shop itself can be made with any program in CNY."""
    assert jifen("init", "--program", "starter", "--url", bare_database_url).returncode == 0
    ask("demo", "--members", "3", "--url", bare_database_url)
    assert "the reward 'ten-yuan'" in refused(["demo", "--day", "--url", bare_database_url])
