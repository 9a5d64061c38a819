"""`jifen segments` as an operator calls it."""

from __future__ import annotations

from pathlib import Path

from tests.integration.cli.support import ask, jifen, refused


def test_a_list_from_a_file(data: Path, tmp_path: Path) -> None:
    """A file as a spreadsheet of a Chinese Windows writes it; who does not exist is counted, a second time changes
    nothing; conditions are counted without being saved."""
    names = ["--name-zh", "老客", "--name-en", "Regulars", "--data", data]
    made = ask("segments", "create", "regulars", *names)
    assert (made["segment_id"], made["kind"]) == ("regulars", "list")
    orders = tmp_path / "orders.csv"
    lines = ["order_id,occurred_at,identity,line_id,sku,name,category,brand,quantity,paid,channel,store_id,refund_of"]
    lines += [f"o{each},2026-01-0{each}T10:00:00,external:{each},1,S,T,C,B,1,{each}00,,," for each in range(1, 6)]
    orders.write_text("\n".join(lines) + "\n", "utf-8")
    assert ask("import", "orders", orders, "--mapping", "orders", "--data", data)["orders"] == 5
    file = tmp_path / "名单.csv"
    file.write_bytes("# 会员,备注\nexternal:1,常客\n\nexternal:2,新客\nexternal:99,没有\n".encode("gb18030"))
    expected = {"changed": 2, "unchanged": 0, "unknown": ["external:99"]}
    assert ask("segments", "add", "regulars", "--file", file, "--data", data) == expected
    assert ask("segments", "add", "regulars", "external:1", "--data", data)["unchanged"] == 1
    assert ask("segments", "count", "regulars", "--data", data)["count"] == 2
    everybody = jifen("segments", "members", "regulars", "--data", data).stdout.split()
    first = ask("segments", "members", "regulars", "--limit", "1", "--data", data)
    rest = ask("segments", "members", "regulars", "--cursor", first["next_cursor"], "--data", data)
    assert [*first["member_ids"], *rest["member_ids"]] == everybody and len(everybody) == 2
    assert "cursor" in refused(["segments", "members", "regulars", "--cursor", "x", "--data", data])
    assert ask("segments", "remove", "regulars", "external:2", "--data", data)["changed"] == 1
    condition = '"regulars" in member.segments || member.spent_cents_total >= 30000'
    assert ask("segments", "count", "--condition", condition, "--data", data)["count"] == 4
    shown = jifen("segments", "list", "--data", data, "--lang", "zh")
    assert "regulars" in shown.stdout and "老客" in shown.stdout
    slow = jifen("segments", "count", "--condition", 'member.tier.matches("x") || true', "--data", data)
    assert slow.stdout.strip() == "5" and "matches()" in slow.stderr
    ask("segments", "create", "buyers", *names, "--condition", "member.orders > 0")
    unseen = refused(["segments", "count", "--condition", '"buyers" in member.segments', "--data", data])
    assert "asks for buyers, but sees lists only" in unseen
    assert jifen("segments", "delete", "regulars", "--data", data).returncode == 0


def test_what_is_wrong_is_told_in_one_line(data: Path, tmp_path: Path) -> None:
    """Unknown segments, wrong conditions, nothing to count, files that are none."""
    assert "no segment 'nobody'" in refused(["segments", "count", "nobody", "--data", data])
    assert "member.ordres" in refused(["segments", "count", "--condition", "member.ordres > 1", "--data", data])
    assert "--condition" in refused(["segments", "count", "--data", data])
    assert "name members" in refused(["segments", "add", "x", "--data", data])
    assert "cannot be opened" in refused(["segments", "add", "x", "--file", tmp_path / "none", "--data", data])
