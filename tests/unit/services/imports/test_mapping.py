"""Mappings: those that come with jifen are right, and a wrong one is refused with the place that is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from jifen.services.imports.mapping import (
    Columns,
    FileShape,
    InvalidMapping,
    Mapping,
    MemberShape,
    ReturnsByColumn,
    ReturnsByPrefix,
    TimeShape,
    load_mapping,
    parse_mapping,
    shipped_mappings,
)
from jifen.services.imports.people.mapping import (
    BalanceColumns,
    BalanceMapping,
    MemberColumns,
    MemberMapping,
    load_balance_mapping,
    load_member_mapping,
    parse_people_mapping,
)

GOOD = """\
name: {zh: 订单, en: Orders}
source: import:test
currency: CNY
time: {zone: Asia/Shanghai}
member: {identity: external}
columns:
  order_id: order
  occurred_at: at
  member: who
  quantity: pieces
  paid: paid
  sku: sku
"""

KINDS: tuple[type[msgspec.Struct], ...] = (
    Mapping,
    FileShape,
    TimeShape,
    MemberShape,
    Columns,
    ReturnsByPrefix,
    ReturnsByColumn,
    MemberMapping,
    MemberColumns,
    BalanceMapping,
    BalanceColumns,
)


def test_the_mappings_that_come_with_jifen_load() -> None:
    """Whatever ships is valid, and online-retail says what the data set needs."""
    assert {"online-retail", "orders"} <= set(shipped_mappings())
    for name in shipped_mappings():
        assert load_mapping(name).source.startswith("import:")
    online_retail = load_mapping("online-retail")
    assert online_retail.program == "online-retail"
    assert online_retail.returns == ReturnsByPrefix("C")


def test_a_mapping_of_ones_own_is_read_by_its_path(tmp_path: Path) -> None:
    """A path is told from a name by there being no such name."""
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD, "utf-8")
    assert load_mapping(path) == parse_mapping(GOOD, "mine")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("zone: Asia/Shanghai", "zone: Asia/Nowhere", ["line 4", "$.time.zone", "IANA"]),
        ("currency: CNY", "currency: yuan", ["line 3", "$.currency"]),
        ("identity: external", "identity: name", ["$.member.identity", "phone"]),
        ("  paid: paid\n", "", ["$.columns", "unit_price or paid"]),
        ("  paid: paid\n", "  paid: paid\n  unit_price: price\n", ["$.columns", "not both"]),
        ("  sku: sku\n", "  sku: sku\nreturns: {by: magic}\n", ["$.returns"]),
        ("  sku: sku\n", "returns: {by: prefix, prefix: C}\n", ["$.columns", "sku"]),
        ("  sku: sku\n", "  sku: sku\noptional: [at]\n", ["$.optional[0]"]),
        ("  sku: sku\n", "  sku: sku\n  colour: red\n", ["line 13", "colour"]),
        ("  order_id: order\n", "", ["order_id"]),
        ("name: {zh: 订单, en: Orders}", "name: {zh: 订单, en: Orders", ["line"]),
        (GOOD, "", ["empty"]),
    ],
)
def test_a_wrong_mapping_names_the_place(old: str, new: str, says: list[str]) -> None:
    """One line that says which file, where in it, and what would be right."""
    with pytest.raises(InvalidMapping) as caught:
        parse_mapping(GOOD.replace(old, new), "mine.yaml")
    assert caught.value.message.startswith("mine.yaml")
    assert "\n" not in caught.value.message
    for part in says:
        assert part in caught.value.message
    check_chinese(caught.value)


#: Two words of English in a row: a name of a field or a column stands alone.
_ENGLISH = re.compile(r"[a-z]{2,} [a-z]{2,}")


def check_chinese(error: InvalidMapping) -> None:
    """The same place in Chinese, and nothing of the English message beside names (the words of a YAML parser are)."""
    assert error.message_zh is not None
    assert error.message_zh.endswith("。")
    assert str(error.details["path"] or "") in error.message_zh
    assert "不是有效的 YAML" in error.message_zh or not _ENGLISH.search(error.message_zh)


PEOPLE = "name: {zh: 会员, en: Members}\nsource: import:test\ncolumns: {identities: {phone: tel}}\n"


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("{phone: tel}", "{}", "$.columns.identities"),
        ("phone: tel", "fax: tel", "$.columns.identities.fax"),
        ("source: import:test", 'source: "a\\x01b"', "$.source"),
        ("columns:", "time: {zone: UTC, format: []}\ncolumns:", "$.time.format"),
        ("columns:", "time: {zone: UTC, format: yyyy}\ncolumns:", "$.time.format"),
        ("columns:", "time: {zone: UTC, format: '%Y/%q'}\ncolumns:", "$.time.format"),
        ("columns:", "time: {zone: UTC, format: '%d/%m'}\ncolumns:", "$.time.format"),
        ("columns:", "birthday_formats: ['%q']\ncolumns:", "$.birthday_formats"),
        ("columns:", "file: {delimiter: '\"'}\ncolumns:", "$.file.delimiter"),
        ("columns:", "values: {size: {}}\ncolumns:", "$.values"),
        ("columns:", "defaults: {size: L}\ncolumns:", "$.defaults"),
        ("columns:", "required: [size]\ncolumns:", "$.required[0]"),
    ],
)
def test_a_wrong_mapping_of_people_names_the_place(old: str, new: str, path: str) -> None:
    """In either language."""
    with pytest.raises(InvalidMapping) as caught:
        parse_people_mapping(PEOPLE.replace(old, new), "mine.yaml", MemberMapping)
    assert (caught.value.details["path"], path in caught.value.message) == (path, True)
    check_chinese(caught.value)


def test_no_such_mapping_names_those_there_are(tmp_path: Path) -> None:
    """A slip in the name is mended by reading the message."""
    for wanted in ("online-retial", tmp_path, "nul\0"):
        with pytest.raises(InvalidMapping, match="online-retail") as caught:
            load_mapping(wanted)
        assert "online-retail" in str(caught.value.message_zh)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A binary or oversized file is no mapping."""
    path = tmp_path / "mapping.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidMapping, match="UTF-8") as caught:
        load_mapping(path)
    assert "请另存为 UTF-8" in str(caught.value.message_zh)
    path.write_bytes(b"#" * 70_000)
    with pytest.raises(InvalidMapping, match="bytes at most"):
        load_mapping(path)


@pytest.mark.parametrize("name", ["docs/reference/mapping.md", "docs/zh/reference/mapping.md"])
def test_the_reference_is_complete_and_its_examples_load(name: str, tmp_path: Path) -> None:
    """Every field of the three kinds of mapping, in either language."""
    page = (Path(__file__).resolve().parents[4] / name).read_text("utf-8")
    orders, members, balances = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert parse_mapping(orders, "orders.yaml").source == "import:stores"
    for example, load in ((members, load_member_mapping), (balances, load_balance_mapping)):
        file = tmp_path / "mapping.yaml"
        file.write_text(example, "utf-8")
        assert load(str(file)).source == "import:crm"
    prose = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    named = {word for code in re.findall(r"`([^`]+)`", prose) for word in re.findall(r"\w+", code)}
    assert {field for kind in KINDS for field in kind.__struct_fields__} - named == set()
