"""What is proposed for a file: how its days are written, what is between its columns, and where it comes from."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from jifen.core.rules.document import Choice, LocalizedText, MemberField
from jifen.services.imports.mapping import parse_mapping
from jifen.services.imports.people.mapping import BalanceMapping, MemberMapping, parse_people_mapping
from jifen.services.imports.proposals import propose_mapping
from jifen.services.imports.proposals.formats import propose_formats
from tests.databases import DEFAULT_PROGRAM

SIZES = [Choice("S", LocalizedText(zh="小", en="Small")), Choice("L", LocalizedText(zh="大", en="Large"))]


@pytest.mark.parametrize(
    ("values", "formats"),
    [
        (["2027-12-31", "", "2027-12-31 10:00"], ("iso",)),
        (["2027/12/31", "2027/1/5"], ("%Y/%m/%d",)),
        (["2027/12/31 10:00"], ("%Y/%m/%d %H:%M",)),
        (["2027年12月31日"], ("%Y年%m月%d日",)),
        (["31.12.2027"], ("%d.%m.%Y",)),
        (["20271231"], ("iso",)),
        (["2027/12/31", "2027-12-31"], ("auto",)),
        (["12/31/2027", "01/02/2027"], ("%m/%d/%Y",)),
        (["31/12/2027", "01/02/2027 10:00"], ("%d/%m/%Y", "%d/%m/%Y %H:%M")),
        (["2027-12-31", "31/12/2027"], ("iso", "%d/%m/%Y")),
        (["2027/12/31", "昨天"], ("%Y/%m/%d",)),
        (["46752", "46753.5"], ("excel",)),
        (["2027/12/31", "46752"], ("%Y/%m/%d", "excel")),
        (["昨天"], ()),
        ([], ()),
    ],
)
def test_formats(values: list[str], formats: tuple[str, ...]) -> None:
    """One that all values fit is named; of several shapes that leave no doubt any further one is taken."""
    proposed = propose_formats(values)
    assert (proposed.formats, proposed.is_ambiguous) == (formats, False)


@pytest.mark.parametrize("values", [["01/02/2027"], ["01/02/2027", "2027-12-31"], ["12/31/2027", "31/12/2027"]])
def test_what_cannot_be_told(values: list[str]) -> None:
    """No format is better than the wrong one."""
    proposed = propose_formats(values)
    assert proposed.formats == () or proposed.formats == ("iso",)


def test_members(tmp_path: Path) -> None:
    """Separated by tabs, with two columns of days in shapes of their own."""
    file = tmp_path / "会员.csv"
    file.write_text("会员编号\t生日\t入会日期\n1\t17.05.1990\t01/02/2024\n", "gb18030")
    text = propose_mapping("members", file)
    mapping = parse_people_mapping(text, "proposed", MemberMapping)
    assert (mapping.file.delimiter, mapping.source) == ("\t", "import:members")
    assert (mapping.birthday_formats, mapping.time.formats) == (("%d.%m.%Y",), ("auto",))
    assert "入会日期" in text and "%m/%d/%Y or %d/%m/%Y as time.format" in text


FIELDS = [
    MemberField("size", "string", LocalizedText(zh="尺码", en="Size"), choices=SIZES),
    MemberField("shoe_size", "int", LocalizedText(zh="鞋码", en="Shoe size")),
    MemberField("newsletter", "bool", LocalizedText(zh="订阅", en="Newsletter")),
    MemberField("card", "string", LocalizedText(zh="…", en="Old card")),
    MemberField("city", "string", LocalizedText(zh="城市", en="City")),
    MemberField("pet", "string"),
]
PROGRAM = msgspec.structs.replace(DEFAULT_PROGRAM, fields=FIELDS)


@pytest.mark.parametrize(
    ("header", "row", "columns", "values"),
    [
        (
            "会员编号,尺码,鞋码,订阅,城市",
            '1,小,"1,042.0",有',
            {"size": "尺码", "shoe_size": "鞋码", "newsletter": "订阅"},
            {"尺码": {"小": "S", "大": "L"}, "订阅": {"有": "true"}},
        ),
        (
            "ID,size,SHOE SIZE,newsletter,Pet,Old-Card",
            "1,L,42,N,cat,7",
            {"size": "size", "shoe_size": "SHOE SIZE", "newsletter": "newsletter", "card": "Old-Card", "pet": "Pet"},
            {"newsletter": {"N": "false"}},
        ),
        ("id,card,Shoe_Size,Newsletter", "1,7,,maybe", {"shoe_size": "Shoe_Size", "newsletter": "Newsletter"}, {}),
    ],
)
def test_fields_of_the_program(
    tmp_path: Path, header: str, row: str, columns: dict[str, str], values: dict[str, dict[str, str]]
) -> None:
    """By id or name in either language; what is always known, and identities, go before. Choices and yes or no are
    translated where the file calls them otherwise; what nobody can tell is left to a person."""
    file = tmp_path / "members.csv"
    file.write_text(f"{header}\n{row}\n", "utf-8")
    proposed = propose_mapping("members", file, program=PROGRAM)
    mapping = parse_people_mapping(proposed, "proposed", MemberMapping)
    assert (mapping.columns.fields, mapping.values) == (columns, values)
    assert (
        mapping.columns.identities["external"]
        and not parse_people_mapping(propose_mapping("members", file), "proposed", MemberMapping).columns.fields
    )


def test_a_header_that_only_fields_tell(tmp_path: Path) -> None:
    """Below a title, where nothing but the program's own fields says that it is the header."""
    file = tmp_path / "members.csv"
    file.write_text("2026,会员\nid,尺码\n1,L\n", "utf-8")
    proposed = parse_people_mapping(propose_mapping("members", file, program=PROGRAM), "proposed", MemberMapping)
    assert (proposed.header_row, proposed.columns.fields) == (2, {"size": "尺码"})


def test_balances(tmp_path: Path) -> None:
    """The source does not hang on the name of the file, and can be chosen."""
    for name in ("balances.csv", "balances (2).csv"):
        file = tmp_path / name
        file.write_text("手机号;积分余额;有效期\n13800138000;5;2027/12/31\n", "utf-8")
        mapping = parse_people_mapping(propose_mapping("balances", file), "proposed", BalanceMapping)
        assert (mapping.source, mapping.time.formats, mapping.file.delimiter) == (
            "import:balances",
            ("%Y/%m/%d",),
            ";",
        )
    chosen = parse_people_mapping(propose_mapping("balances", file, source="crm"), "proposed", BalanceMapping)
    assert chosen.source == "crm"


def test_orders(tmp_path: Path) -> None:
    """What was paid goes before prices, the member's number before an id of the row."""
    file = tmp_path / "orders.csv"
    file.write_text(
        "ID,订单号,下单时间,手机号,商品编码,数量,单价,金额,实付金额,原订单号\n"
        "1,A1,2026/1/5 10:00,13800138000,TEA,1,9,9,8,\n",
        "utf-8-sig",
    )
    mapping = parse_mapping(
        propose_mapping("orders", file, program=msgspec.structs.replace(PROGRAM, currency="EUR")), "proposed"
    )
    assert mapping.column_names() == {
        "order_id": "订单号",
        "occurred_at": "下单时间",
        "member": "手机号",
        "sku": "商品编码",
        "quantity": "数量",
        "paid": "实付金额",
        "refund_of": "原订单号",
    }
    assert (mapping.source, mapping.currency, mapping.member.identity) == ("import:orders", "EUR", "phone")
    assert mapping.time.formats == ("%Y/%m/%d %H:%M",)


def test_orders_with_too_little(tmp_path: Path) -> None:
    """What is missing is named, for a person to fill in."""
    file = tmp_path / "orders.csv"
    file.write_text("订单号,数量\n1,2\n", "utf-8")
    text = propose_mapping("orders", file)
    assert "fill them in: occurred_at" in text and "fill them in: member" in text and "paid / unit_price" in text
    assert parse_mapping(propose_mapping("orders", _plain_orders(tmp_path)), "proposed").member.identity == "in_value"


def _plain_orders(folder: Path) -> Path:
    file = folder / "plain.csv"
    file.write_text("order_id,occurred_at,identity,quantity,paid\n1,2026-01-05 10:00,phone:13800138000,1,2\n", "utf-8")
    return file
