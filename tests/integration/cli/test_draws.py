"""`jifen draws` as a shop calls it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import yaml

from jifen.services.programs import parse_program, read_program_text
from tests.drawing import LAST, WHEEL, changed, with_draws
from tests.integration.cli.support import ask, jifen, refused


def drawing(folder: Path) -> Path:
    """A program file with lotteries; everybody may draw from one of them for nothing."""
    free = {"id": "free", "price": None, "ticket": None, "limits": [{"most": 99, "period": "day"}]}
    document = with_draws(parse_program(read_program_text("starter")), WHEEL, changed(WHEEL) | free, LAST)
    file = folder / "program.yaml"
    file.write_text(yaml.safe_dump(msgspec.to_builtins(document), allow_unicode=True), "utf-8")
    return file


def test_a_round_on_the_command_line(data: Path, tmp_path: Path) -> None:
    """Opened, drawn from, revealed, checked."""
    in_data = ["--data", data]
    ask("program", "apply", drawing(tmp_path), "--accept-findings", "lotteries", *in_data)
    orders = tmp_path / "orders.csv"
    head = "order_id,occurred_at,identity,line_id,sku,name,category,brand,quantity,paid,channel,store_id,refund_of"
    orders.write_text(f"{head}\no1,2026-01-01T10:00:00,external:1,1,S,T,C,B,1,90,,,\n", "utf-8")
    ask("import", "orders", orders, "--mapping", "orders", *in_data)
    opened = ask("draws", "open", "free", *in_data)
    assert (opened["round"], opened["seed"]) == (1, None)
    listed = {each["draw_id"]: each for each in ask("draws", "list", "--member", "100001", *in_data)["draws"]}
    assert listed["free"]["lacks"] == [] and listed["wheel"]["lacks"][0]["code"] == "no_round"
    assert "可抽奖" in jifen("draws", "list", "--member", "100001", "--lang", "zh", *in_data).stdout
    drawn = [ask("draws", "draw", "100001", "free", *in_data)["drawn"]["number"] for _ in range(3)]
    assert drawn == [1, 2, 3]
    assert ask("draws", "proof", "free", *in_data)["drawn"][0]["is_right"] is None
    seed = ask("draws", "reveal", "free", *in_data)["seed"]
    proof = ask("draws", "proof", "free", "--member", "100001", *in_data)
    assert proof["round"]["seed"] == seed and [each["is_right"] for each in proof["drawn"]] == [True] * 3
    shown = jifen("draws", "proof", "free", "--lang", "en", *in_data)
    assert shown.returncode == 0 and shown.stdout.count("yes") == 3
    assert ask("verify", *in_data)["is_clean"]


def test_what_is_wrong_is_told_in_one_line(data: Path, tmp_path: Path) -> None:
    """Unknown draws, rounds, members; tickets of others."""
    in_data = ["--data", data]
    ask("program", "apply", drawing(tmp_path), "--accept-findings", "lotteries", *in_data)
    assert "no draw 'x'" in refused(["draws", "open", "x", *in_data])
    assert "is open" in refused(["draws", "reveal", "wheel", *in_data])
    assert "unknown_round" in refused(["draws", "proof", "wheel", *in_data])
    assert "unknown_member" in refused(["draws", "draw", "7", "wheel", *in_data])
    number = ask("members", "register", "card:no-ticket", *in_data)["member_id"]
    assert "not_a_ticket" in refused(["draws", "draw", number, "wheel", "--ticket", "8-1", *in_data])
    ask("draws", "open", "wheel", *in_data)
    assert "reveal its seed" in refused(["draws", "open", "wheel", *in_data])
