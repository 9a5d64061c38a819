"""`jifen rewards`, `jifen redemptions` and `jifen coupons` as a shop calls them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import yaml

from jifen.core.program import ProgramDocument
from jifen.services.programs import parse_program, read_program_text
from tests.add_ons import with_add_ons
from tests.integration.cli.support import ask, jifen, refused
from tests.redeeming import with_rewards


def rewarding(folder: Path, rewards: Callable[[ProgramDocument], ProgramDocument] = with_rewards) -> Path:
    """A program file with rewards."""
    document = rewards(parse_program(read_program_text("starter")))
    file = folder / "program.yaml"
    file.write_text(yaml.safe_dump(msgspec.to_builtins(document), allow_unicode=True), "utf-8")
    return file


def test_a_day_at_the_counter(data: Path, tmp_path: Path) -> None:
    """Stock, codes, what a member sees; a coupon at the till; a gift that waits for a second person."""
    in_data = ["--data", data]
    ask("program", "apply", rewarding(tmp_path), "--accept-findings", "rewards come later", *in_data)
    orders = tmp_path / "orders.csv"
    head = "order_id,occurred_at,identity,line_id,sku,name,category,brand,quantity,paid,channel,store_id,refund_of"
    orders.write_text(f"{head}\no1,2026-01-01T10:00:00,external:1,1,S,T,C,B,1,90000,,,\n", "utf-8")
    assert ask("import", "orders", orders, "--mapping", "orders", *in_data)["orders"] == 1
    assert ask("rewards", "stock", "vase", "--pieces", "2", "--reason", "opening", *in_data)["left"] == 2
    file = tmp_path / "codes.csv"
    file.write_bytes("code,说明\nA1,一\nA2,二\n".encode("gb18030"))
    added = ask("rewards", "codes", "movie", file, "--reason", "bought", *in_data)
    assert added == {"reward": "movie", "added": 2, "known": 0, "pieces": 2}
    # A spreadsheet's way to keep a text, and more than one call takes; only what is new counts.
    many = [f"B{number}" for number in range(10_001)]
    file.write_text("\n".join(["code", '="A1"', "'A2", *many]), "utf-8")
    added = {"reward": "movie", "added": 10_001, "known": 2, "pieces": 10_003}
    assert ask("rewards", "codes", "movie", file, *in_data) == added
    seen = {each["reward_id"]: each for each in ask("rewards", "list", "--member", "100001", *in_data)["rewards"]}
    assert seen["five-yuan"]["lacks"] == [] and "lounge" not in seen
    shown = jifen("rewards", "list", "--member", "100001", "--lang", "zh", *in_data).stdout
    assert "可兑换" in shown and "库存不足" in shown
    # The program is a moment old: nothing can be judged yet, and that is said.
    slow = ask("rewards", "slow", "--percent", "100", *in_data)
    reasons = {each["reward_id"]: each["reason"] for each in slow["left_out"]}
    assert slow["rewards"] == [] and (reasons["five-yuan"], reasons["cup"]) == ("too_new", "sold_out")
    told = jifen("rewards", "slow", "--lang", "zh", *in_data)
    assert "没有滞销兑换品" in told.stderr and "上架时间短于统计期" in told.stdout
    assert ask("redemptions", "list", *in_data)["redemptions"] == []


def test_what_is_wrong_is_told_in_one_line(data: Path, tmp_path: Path) -> None:
    """Unknown rewards, redemptions, coupons; typing errors; files that are none."""
    in_data = ["--data", data]
    ask("program", "apply", rewarding(tmp_path), "--accept-findings", "rewards come later", *in_data)
    assert "no reward 'x'" in refused(["rewards", "stock", "x", "--pieces", "1", *in_data])
    assert "either" in refused(["rewards", "stock", "cup", *in_data])
    assert "cannot be read" in refused(["rewards", "codes", "movie", tmp_path / "none", *in_data])
    spoiled = tmp_path / "codes.csv"
    spoiled.write_text("code\nSPOILED-1\nSPOILED\t2\n", "utf-8")
    assert "Line 3" in refused(["rewards", "codes", "movie", spoiled, *in_data])
    spoiled.write_text("code\nSPOILED-1\n", "utf-8")
    assert ask("rewards", "codes", "movie", spoiled, *in_data)["added"] == 1
    assert "100001-8" in refused(["redemptions", "show", "x", *in_data])
    assert "unknown_redemption" in refused(["redemptions", "approve", "100001-1", *in_data])
    assert "typing error" in refused(["coupons", "show", "7K3M-Q9TX-0VBH-2R8D-WN5C", *in_data])
    assert "no coupon" in refused(["coupons", "write-off", "movie-1", *in_data])
    assert "NAME=TEXT" in refused(["redemptions", "fulfil", "100001-1", "--set", "carrier", *in_data])
    assert "--payment" in refused(["redemptions", "pay", "100001-1", *in_data])
    assert "payment: " in refused(["redemptions", "pay", "100001-1", "--payment", "", *in_data])


def test_one_of_several_write_offs_is_undone(data: Path, tmp_path: Path) -> None:
    """It must be named; the refusal names them all."""
    in_data = ["--data", data]
    ask("program", "apply", rewarding(tmp_path), "--accept-findings", "rewards come later", *in_data)
    orders = tmp_path / "orders.csv"
    head = "order_id,occurred_at,identity,line_id,sku,name,category,brand,quantity,paid,channel,store_id,refund_of"
    orders.write_text(f"{head}\ng1,2026-01-01T10:00:00,external:parts,1,S,T,C,B,1,90000,,,\n", "utf-8")
    ask("import", "orders", orders, "--mapping", "orders", *in_data)
    (coupon,) = ask("redemptions", "redeem", "external:parts", "gift-card", *in_data)["coupons"]
    for cents in (300, 200):
        used = ask("coupons", "write-off", coupon["code"], "--cents", cents, *in_data)["coupon"]["uses"]
    names = [each["transaction_id"] for each in used]
    undo = ["coupons", "cancel", coupon["code"], "--lang", "zh", *in_data]
    assert f"{names[0]}、{names[1]}" in refused(undo)
    assert ask(*undo, "--write-off", names[0])["coupon"]["remaining_cents"] == 800
    assert "unknown_write_off" in refused([*undo, "--write-off", names[0]])
    assert ask(*undo)["coupon"]["remaining_cents"] == 1_000


def test_a_household_redeems_at_the_counter(data: Path, tmp_path: Path) -> None:
    """For one member, with the points of two; who pays what is shown."""
    in_data = ["--data", data]
    ask("program", "apply", rewarding(tmp_path), "--accept-findings", "rewards come later", *in_data)
    orders = tmp_path / "orders.csv"
    head = "order_id,occurred_at,identity,line_id,sku,name,category,brand,quantity,paid,channel,store_id,refund_of"
    rows = [f"h{number},2026-01-01T10:00:00,external:h{number},1,S,T,C,B,1,60,,," for number in (1, 2)]
    orders.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    assert ask("import", "orders", orders, "--mapping", "orders", *in_data)["orders"] == 2
    head_id, other_id = (ask("members", "show", f"external:h{number}", *in_data)["member_id"] for number in (1, 2))
    together = ["redemptions", "redeem", "external:h1", "five-yuan", "--from", "household", *in_data]
    assert "no_household" in refused(together)
    ask("households", "found", "Li", "--head", head_id, "--member", other_id, *in_data)
    assert "insufficient_points" in refused(["redemptions", "redeem", "external:h1", "five-yuan", *in_data])
    made = ask(*together)
    assert [(each["member_id"], each["points"]) for each in made["paid_by"]] == [(head_id, 60), (other_id, 40)]
    shown = jifen("redemptions", "show", made["redemption_id"], "--lang", "zh", *in_data).stdout
    assert "支付" in shown and made["paid_by"][1]["transaction_id"] in shown
    assert ask("redemptions", "cancel", made["redemption_id"], *in_data)["state"] == "cancelled"
    told = ask("redemptions", "show", made["redemption_id"], *in_data)["steps"]
    assert [(each["step"], each["state"]) for each in told] == [("redeem", "approved"), ("cancel", "cancelled")]
    shown = jifen("redemptions", "show", made["redemption_id"], "--lang", "zh", *in_data).stdout
    assert "申请" in shown and told[1]["transaction_id"] in shown


def test_an_add_on_at_the_counter(data: Path, tmp_path: Path) -> None:
    """Taken with an order of the member's; the return of the order ends it."""
    in_data = ["--data", data]
    ask("program", "apply", rewarding(tmp_path, with_add_ons), "--accept-findings", "rewards come later", *in_data)
    orders = tmp_path / "orders.csv"
    head = "order_id,occurred_at,identity,line_id,sku,name,category,brand,quantity,paid,channel,store_id,refund_of"
    bought = "add-on-1,2026-01-01T10:00:00,external:add-on,1,S,T,C,B,1,60000,,,"
    orders.write_text(f"{head}\n{bought}\n", "utf-8")
    ask("import", "orders", orders, "--mapping", "orders", *in_data)
    take = ["redemptions", "redeem", "external:add-on", "tote"]
    assert "order_needed" in refused([*take, *in_data])
    assert "order_not_found" in refused([*take, "--order", "o1", *in_data])
    made = ask(*take, "--order", "add-on-1", *in_data)
    assert (made["state"], made["order_id"]) == ("approved", "add-on-1")
    shown = jifen("redemptions", "show", made["redemption_id"], "--lang", "zh", *in_data).stdout
    assert "add-on-1" in shown
    returned = "add-on-2,2026-01-02T10:00:00,external:add-on,1,S,T,C,B,1,60000,,,add-on-1"
    orders.write_text(f"{head}\n{bought}\n{returned}\n", "utf-8")
    assert ask("import", "orders", orders, "--mapping", "orders", *in_data)["returns"] == 1
    assert ask("redemptions", "show", made["redemption_id"], *in_data)["state"] == "cancelled"
    assert ask("verify", *in_data)["totals"] == {}
