"""One reward, lottery, draft or import on the command line: what the API answers, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from jifen.services.programs import parse_program, read_program_text
from tests.databases import run_sql
from tests.drawing import WHEEL, changed, with_draws
from tests.integration.cli.support import ask_here, jifen_here, refused_here

CHECKED = """
INSERT INTO imports (uploaded_by, kind, file_name, file_bytes, stored_as, kept_until, is_proposed, status, rows_total,
report) VALUES ('key:1', 'members', '会员.csv', 12, 'x', 'infinity', true, 'checked', 1234, '{"rows": 1234}')
"""
LIMITS = [{"most": 99, "period": "day"}]
DEAR = {
    "id": "dear",
    "kind": "virtual",
    "name": {"zh": "贵宾卡", "en": "Dear card"},
    "description": {"zh": "一年有效", "en": "Good for a year"},
    "prices": [{"points": 12, "cash_cents": 1500}],
    "limits": [{"most": 3, "period": "month"}],
}


def program_file(folder: Path, currency: str) -> Path:
    """A program with a reward that costs money of a currency, and a lottery."""
    program = parse_program(read_program_text("starter").replace("currency: CNY", f"currency: {currency}"))
    wheel = changed(WHEEL) | {"id": "free", "price": None, "ticket": None, "limits": LIMITS}
    document: dict[str, Any] = msgspec.to_builtins(with_draws(program, WHEEL, wheel))
    document["rewards"].append(DEAR)
    file = folder / "program.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    return file


def applied(folder: Path, url: str, currency: str = "CNY") -> list[str]:
    """The options of a database in which such a program is in force."""
    at = ["--url", url]
    ask_here("program", "apply", program_file(folder, currency), "--accept-findings", "shown", *at)
    return at


def shown(*arguments: object) -> tuple[str, str]:
    """What a command shows in Chinese and in English."""
    told = [jifen_here(*arguments, "--lang", language) for language in ("zh", "en")]
    assert [each.returncode for each in told] == [0, 0], told
    return told[0].stdout, told[1].stdout


def test_a_reward(bare_database_url: str, tmp_path: Path) -> None:
    """Price, limits and stock; for a member, with what is missing; what is unknown is refused."""
    at = applied(tmp_path, bare_database_url)
    member = ask_here("members", "register", "card:1", *at)["member_id"]
    listed = {each["reward_id"]: each for each in ask_here("rewards", "list", *at)["rewards"]}
    assert ask_here("rewards", "show", "dear", *at) == listed["dear"]
    zh, en = shown("rewards", "show", "dear", *at)
    assert "一年有效" in zh and "15.00 元" in zh and "每月 3" in zh
    assert "Good for a year" in en and "CNY 15.00" in en and "3 a month" in en
    missing = ask_here("rewards", "show", "dear", "--member", member, *at)
    assert missing["lacks"][0]["code"] == "insufficient_points"
    assert missing["lacks"][0]["zh"].removesuffix("。") in shown("rewards", "show", "dear", "--member", member, *at)[0]
    assert "unknown_reward" in refused_here(["rewards", "show", "nothing", *at])
    assert "unknown_member" in refused_here(["rewards", "show", "dear", "--member", "7", *at])


def test_a_lottery(bare_database_url: str, tmp_path: Path) -> None:
    """Its odds, and the hash of the round that is open."""
    at = applied(tmp_path, bare_database_url)
    commitment = ask_here("draws", "open", "free", *at)["commitment"]
    found = ask_here("draws", "show", "free", *at)
    assert found["round"]["commitment"] == commitment
    prize = found["prizes"][0]
    for told in shown("draws", "show", "free", *at):
        assert commitment in told and f"{prize['weight']:,}/{found['total']:,}" in told
    assert "没有进行中的轮次" in shown("draws", "show", "wheel", *at)[0]
    assert "unknown_draw" in refused_here(["draws", "show", "nothing", *at])


def test_a_draft(bare_database_url: str, tmp_path: Path) -> None:
    """The file as it was kept, and in words what it would change."""
    at = applied(tmp_path, bare_database_url)
    file = program_file(tmp_path, "CNY")
    file.write_text(file.read_text("utf-8").replace("Dear card", "Cheap card"), "utf-8")
    number = ask_here("program", "draft", file, *at)["id"]
    found = ask_here("program", "show-draft", number, *at)
    assert (found["draft_id"], found["base_version"], found["status"]) == (str(number), 1, "draft")
    assert found["program"] == file.read_text("utf-8")
    zh, en = shown("program", "show-draft", number, *at)
    assert f"草稿 {number}" in zh and f"# {found['changes'][0]['zh'].splitlines()[0]}" in zh
    assert f"draft {number}" in en and f"# {found['changes'][0]['en'].splitlines()[0]}" in en
    # What is shown is a program file again.
    assert parse_program(en) == parse_program(found["program"])
    assert "no draft 99" in refused_here(["program", "show-draft", "99", *at])


def test_an_import(bare_database_url: str) -> None:
    """How far it is, and the report on its file."""
    at = ["--url", bare_database_url]
    run_sql(bare_database_url, CHECKED)
    found = ask_here("import", "show", "1", *at)
    assert (found["import_id"], found["report"]) == ("1", {"rows": 1234})
    zh, en = shown("import", "show", "1", *at)
    assert "会员.csv" in zh and "已检查" in zh and "检查报告" in zh and '"rows"' in zh
    assert "checked" in en and "1,234" in en
    assert "no import 2" in refused_here(["import", "show", "2", *at])


@pytest.mark.parametrize(
    ("currency", "zh", "en"),
    [("JPY", "1,500 日元", "JPY 1,500"), ("KWD", "1.500 KWD", "KWD 1.500"), ("CNY", "15.00 元", "CNY 15.00")],
)
def test_money_has_the_digits_of_its_currency(
    currency: str, zh: str, en: str, bare_database_url: str, tmp_path: Path
) -> None:
    """A quote and the catalogue say what is to be paid, wherever the minor unit is not a hundredth as well."""
    at = applied(tmp_path, bare_database_url, currency)
    member = ask_here("members", "register", "card:1", *at)["member_id"]
    ask_here("points", "adjust", member, "100", *at)
    for command in (["redemptions", "quote", member, "dear"], ["rewards", "show", "dear"]):
        chinese, english = shown(*command, *at)
        assert zh in chinese and en in english
