"""Reading program files: what is right is taken, what is wrong is told with the path and the line to go to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from jifen.core.calendar import NeverExpires, RollingExpiry
from jifen.core.program import (
    HoldPolicy,
    InvalidProgram,
    MemberPolicy,
    ProgramDocument,
    RefundPolicy,
    ReturnPolicy,
    Wallet,
)
from jifen.services.programs import ProgramFileUnreadable, parse_program, read_program_text, starter_names
from jifen.services.typed_yaml import MAXIMUM_CHARACTERS

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("docs/reference/program.md", "docs/zh/reference/program.md")
STARTER = read_program_text("starter")


def error_of(text: str) -> InvalidProgram:
    """How a text is refused."""
    with pytest.raises(InvalidProgram) as caught:
        parse_program(text, "shop.yaml")
    assert "\n" not in caught.value.message
    return caught.value


def line_with(text: str, part: str) -> int:
    """The number of the first line in which a part stands."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_every_program_that_ships_is_right() -> None:
    """The figures of `online-retail` are those of the known result: one point a whole pound, at once, for ever."""
    assert starter_names() == ["demo", "online-retail", "starter"]
    programs = {name: parse_program(read_program_text(name)) for name in starter_names()}
    retail = programs["online-retail"]
    rule = retail.earning[0]
    assert (retail.currency, retail.time_zone) == ("GBP", "Europe/London")
    assert rule.ratio is not None
    assert (rule.ratio.points, rule.ratio.per_cents, rule.basis, rule.rounding) == (1, 100, "order", "floor")
    assert (rule.pending_days, rule.expiry) == (0, NeverExpires())
    demo = programs["demo"].earning[0]
    assert (demo.pending_days, demo.expiry) == (7, RollingExpiry(12, "month_end"))
    assert programs["starter"].earning[0].pending_days == 0


@pytest.mark.parametrize("name", PAGES)
def test_every_example_of_the_reference_is_right(name: str) -> None:
    """What people copy from the page must work: whole programs, and parts that are put behind one."""
    page = (ROOT / name).read_text("utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    whole = [example for example in examples if example.startswith("name:")]
    assert len(whole) == 2 and len(examples) > 2
    for example in examples:
        parse_program(example if example in whole else STARTER + example)
    for expiry in re.findall(r"`(\{policy: [^`]*\})`", page):
        parse_program(STARTER.replace("{policy: rolling, months: 12, until: month_end}", expiry))


@pytest.mark.parametrize("name", PAGES)
def test_every_field_of_a_program_is_in_the_reference(name: str) -> None:
    """Those of the program itself, and those of the parts that no other page describes."""
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    named = {field for row in rows for field in re.findall(r"\w+", row)}
    parts = (ProgramDocument, Wallet, RefundPolicy, ReturnPolicy, HoldPolicy, MemberPolicy)
    assert {field for part in parts for field in part.__struct_fields__} - named == set()


@pytest.mark.parametrize(
    ("good", "bad", "path"),
    [
        ("points: 1,", "points: -1,", "$.earning[0].ratio.points"),
        ("points: 1,", "points: 1.5,", "$.earning[0].ratio.points"),
        ("points: 1,", "points: 1e3,", "$.earning[0].ratio.points"),
        ("points: 1,", "points: '1',", "$.earning[0].ratio.points"),
        ("per_cents: 100", "per_cents: 0100", "$.earning[0].ratio.per_cents"),
        ("per_cents: 100", "per_cents: 0", "$.earning[0].ratio.per_cents"),
        ("pending_days: 0", "pending_days:", "$.earning[0].pending_days"),
        ("pending_days: 0", "pending_days: 1:30", "$.earning[0].pending_days"),
        ("pending_days: 0", "pending_days: yes", "$.earning[0].pending_days"),
        ("basis: order", "basis: basket", "$.earning[0].basis"),
        ("rounding: floor", "rounding: down", "$.earning[0].rounding"),
        ("months: 12,", "months: 0,", "$.earning[0].expiry.months"),
        ("until: month_end", "until: year_end", "$.earning[0].expiry.until"),
        ("policy: rolling", "policy: whenever", "$.earning[0].expiry.policy"),
        ("until: month_end", "until: month_end, day: 3", "$.earning[0].expiry.day"),
        ("currency: CNY", "currency: no", "$.currency"),
        ("time_zone: Asia/Shanghai", "time_zone: 2020-01-01", "$.time_zone"),
        ("time_zone: Asia/Shanghai", "time_zone: ../../etc/passwd", "$.time_zone"),
        ("wallet: points", "wallet: gold", "$.earning[0].wallet"),
        ("spent_points: debt", "spent_points: jail", "$.refunds.spent_points"),
        ("spent_points: debt", "spend_points: debt", "$.refunds.spend_points"),
        ("zh: 积分计划", 'zh: "\\ud800"', "$.name.zh"),
        ("zh: 积分计划", "zh: ''", "$.name.zh"),
    ],
)
def test_a_wrong_field_is_told_with_its_path_and_line(good: str, bad: str, path: str) -> None:
    """Numbers are whole and written as numbers (no 1.5, no octal 0100, no sexagesimal 1:30): exactness begins here."""
    assert good in STARTER
    text = STARTER.replace(good, bad, 1)
    error = error_of(text)
    line = line_with(text, bad)
    assert error.details == {"path": path, "line": line}
    assert error.message.startswith(f"shop.yaml, line {line}: {path} ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ("- 1\n", "expected `object`, got `array`"),
        ("a: [", "line 1"),
        ("a: 1\na: 2\n", "line 2: the key 'a' stands here a second time"),
        ("x: &a 1\ny: *a\n", "line 2: aliases are not taken"),
        ("[" * 1000, "nested more than 64 deep"),
        ("a: !!python/object:os.system x\n", "could not determine a constructor"),
        ("a: \x00\n", "unacceptable character"),
        ("--- a\n--- b\n", "another document"),
        ("? [a]\n: 1\n", "line 1"),
        ("1: 2\n", "line 1"),
        ("name: {zh: 甲, en: A}\n", "line 1: $ is wrong: object missing required field `currency`"),
        ("x" * (MAXIMUM_CHARACTERS + 1), "longer than 1,000,000 characters"),
    ],
)
def test_what_is_no_program_is_told_in_one_line(text: str, said: str) -> None:
    """Also what could make a parser run wild: deep nesting, aliases, foreign tags, sheer size."""
    assert said in error_of(text).message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, a folder, not UTF-8: each told apart."""
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"name: {zh: \xe9}\n")
    for name, said in ((tmp_path / "none.yaml", "no program file"), (tmp_path, "cannot be read"), (latin, "UTF-8")):
        with pytest.raises(ProgramFileUnreadable, match=said):
            read_program_text(str(name))
    with pytest.raises(ProgramFileUnreadable, match="cannot be read"):
        read_program_text("a\0b")


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    file = tmp_path / "program.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + STARTER.encode())
    assert parse_program(read_program_text(str(file))) == parse_program(STARTER)


RULES = """
wallets:
  - {id: points, name: {zh: 积分, en: Points}}
groups:
  - {id: gifts, pick: best}
campaigns:
  - {id: spring, name: {zh: 春, en: Spring}}
name: {zh: 店, en: Shop}
currency: CNY
time_zone: Asia/Shanghai
earning:
  - {id: base, wallet: points, ratio: {points: 1, per_cents: 100}}
"""


@pytest.mark.parametrize(
    ("rule", "zh", "en"),
    [
        ("{id: r, wallet: point, fixed: 5}", "是否为 points？", "did you mean points?"),
        ("{id: r, wallet: points, fixed: 5, group: gift}", "是否为 gifts？", "did you mean gifts?"),
        ("{id: r, wallet: points, fixed: 5, campaign: sprng}", "是否为 spring？", "did you mean spring?"),
        ("{id: r, wallet: points, coefficient: {times: 2, of: [bas]}}", "是否为 base？", "did you mean base?"),
        ("{id: r, wallet: points, fixed: 5, event: app.instaled}", "是否为 app.installed？", "did you mean app.inst"),
        ("{id: r, wallet: points, fixed: 5, when: order.chanel == 'x'}", "没有 order.chanel；是否为 order.channel？",
         "There is no order.chanel; did you mean order.channel?"),
        ("{id: r, wallet: points, fixed: 5, rounding: flor}", "'flor'；可用的值：floor、half_up、half_even、ceil",
         "rounding is 'flor'; write one of floor, half_up, half_even, ceil"),
        ("{id: r, wallet: points, fixed: 5, window: {weekdays: [mon, tuesday]}}", "可用的值：mon、tue、wed、",
         "weekdays[1] is 'tuesday'; write one of mon, tue, wed, thu, fri, sat, sun"),
        ("{id: r, wallet: points, fixed: 5, caps: [{limit: point, most: 1}]}", "可用的值：points、count、cost_cents",
         "limit is 'point'; write one of points, count, cost_cents"),
        ("{id: r, wallet: points, fixed: 5, expiry: {policy: rollin, months: 2}}", "可用的值：never、rolling、yearly",
         "policy is 'rollin'; write one of never, rolling, yearly"),
        ("{id: r, wallet: points, fixed: 5, when: line.sku == 'x'}", "这里有 event、now、member、order，行请",
         "There is no line.sku here; there are event, now, member, order; ask for lines in `lines`, or as order.lines"),
        ("{id: r, wallet: points, fixed: 5, audience: order.quantity > 1}", "没有 order.quantity；这里有 now、member。",
         "There is no order.quantity here; there are now, member."),
        ("{id: r, wallet: points, fixed: {points: many}}", "须为整数，这里是文本", "expected `int`, got `str`"),
        ("{id: r, wallet: points, fixed: 5, prioriti: 1}", "不是这个文件的字段；是否为 priority",
         "is no field of this file; did you mean priority"),
        ("{id: r, wallet: points, fixed: 5, fixed: 6}", "'fixed' 在这里第二次出现", "stands here a second time"),
        ("{id: r, wallet: points, fixed: 5", "不是有效的 YAML（缺少逗号或 }", "expected ',' or '}'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_chinese_with_its_line(rule: str, zh: str, en: str) -> None:
    """What was probably meant, and where; only words of parsers stay as they are, as a quotation."""
    error = error_of(f"{RULES}  - {rule}\n")
    assert en in error.message
    assert error.message_zh is not None and zh in error.message_zh
    assert error.message_zh.startswith("shop.yaml 第 1")
    assert ".；" not in error.message_zh and ".;" not in error.message


def test_a_field_of_another_place_is_not_suggested_for_itself() -> None:
    """`most` is a field of caps, and none of rules."""
    error = error_of(f"{RULES}  - {{id: r, wallet: points, fixed: 5, most: 1}}\n")
    assert "$.earning[1].most is no field of this file" in error.message
    assert "did you mean most." not in error.message and error.message_zh is not None
    assert "是否为 most。" not in error.message_zh


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A server that gives a schema to whoever asks, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"type": "object"}')

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/inside", asked
        finally:
            server.shutdown()
            thread.join()


def declaring(schema: str) -> str:
    """A program with a type of event of this schema."""
    return f"{RULES}events:\n  - {{type: visit.recorded, schema: {schema}}}\n"


def test_a_schema_reads_neither_the_network_nor_files(tmp_path: Path) -> None:
    """Whoever writes a program must not reach by it what only the server reaches."""
    (tmp_path / "secret.json").write_text('{"type": "object"}')
    with listening() as (address, asked):
        for place in (address, (tmp_path / "secret.json").as_uri()):
            error = error_of(declaring(f'{{"$ref": "{place}"}}'))
            assert f"it refers to {place}, which is never fetched" in error.message
            assert error.message_zh is not None and f"引用了别处的 {place}" in error.message_zh
    assert asked == []
    error = error_of(f'{RULES}fields:\n  - {{id: size, type: string, schema: {{"$ref": "{address}"}}}}\n')
    assert error.details["path"] == "$.fields[0].schema"


def test_a_schema_may_refer_to_a_part_of_itself_and_to_the_standard() -> None:
    """For both nothing needs to be fetched."""
    parse_program(declaring('{"$defs": {"a": {"type": "object"}}, "$ref": "#/$defs/a"}'))
    parse_program(declaring('{"properties": {"a": {"$ref": "https://json-schema.org/draft/2020-12/schema"}}}'))


def test_a_schema_that_is_none_is_told_with_its_line() -> None:
    """The line of the keyword at fault, in the language of the reader."""
    error = error_of(declaring("{\n properties: {\n minutes: {minimum: none}}}"))
    assert error.details == {"path": "$.events[0].schema.properties.minutes.minimum", "line": 16}
    assert error.message_zh is not None and error.message_zh.endswith('不是 JSON Schema（2020-12）："none" 不是数字。')
