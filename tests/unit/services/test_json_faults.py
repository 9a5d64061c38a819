"""What is no JSON is told by line and column, in the reader's language alone."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.refusal import Refusal
from jifen.services.json_input import read_json
from jifen.services.stock import InvalidCodes, read_codes

DECODER = msgspec.json.Decoder()


def refused(raw: bytes) -> Refusal:
    """Why this is no JSON."""
    refusal = read_json(DECODER, raw)
    assert isinstance(refusal, Refusal) and refusal.code == "malformed_json"
    return refusal


@pytest.mark.parametrize(
    ("text", "line", "column", "zh", "en"),
    [
        ('{"a": tru}', 1, 7, "这里应当是一个值", "a value must stand here"),
        ('{\n "名": 1\n "b": 2}', 3, 2, "这里缺少逗号或结尾的括号", "a comma or a closing bracket is missing here"),
        ('{"名字": "王", b: 2}', 1, 13, "这里应当是双引号中的字段名", "the name of a field must stand here"),
        ('{"a" 1}', 1, 6, "这里缺少冒号", "a colon is missing here"),
        ('{"a": 1}\n}', 2, 1, "JSON 结尾之后还有内容", "there is more behind the end of the JSON"),
        ('{"a": "x}', 1, 7, "从这里开始的文本没有结束", "the text that begins here does not end"),
        ('{"a": "x\ny"}', 1, 9, "文本中有换行之类的控制字符；请写作 \\n", "there is a control character in a text"),
        ('["\\u12g4"]', 1, 4, "\\u 之后应当是四位十六进制数字", "four hexadecimal digits must follow \\u"),
        ('["\\x"]', 1, 3, "这里的反斜杠写法无效", "the backslash here stands before what cannot follow it"),
        ('{"a": 1', 1, 8, "JSON 到这里没有写完", "it ends here, before the JSON is complete"),
        ('{"a":\n', 2, 1, "JSON 到这里没有写完", "it ends here, before the JSON is complete"),
        ("", 1, 1, "JSON 到这里没有写完", "it ends here, before the JSON is complete"),
        ("\ufeff{}", 1, 1, "开头有字节顺序标记（BOM）", "it begins with a byte order mark"),
        ('{"a":\n  NaN}', 2, 3, "这里不是有效的 JSON", "this is no JSON"),
    ],
)
def test_the_place_and_the_reason_are_told(text: str, line: int, column: int, zh: str, en: str) -> None:
    """Columns count characters, not bytes."""
    refusal = refused(text.encode())
    assert refusal.message.startswith(f"This is not JSON: line {line}, column {column}: {en}")
    assert refusal.message_zh is not None and refusal.message_zh.startswith(f"第 {line} 行第 {column} 列：{zh}")
    assert refusal.details == {"line": line, "column": column}


def test_what_is_not_utf_8_is_told_by_its_place() -> None:
    """A file in another encoding is no JSON, wherever it begins to show."""
    refusal = refused('{"a": 1,\n "名": "x"}'.encode("gb18030"))
    assert refusal.message == "This is not JSON: line 2, column 3: this is not text in UTF-8; save it as UTF-8."
    assert refusal.message_zh == "第 2 行第 3 列：不是 UTF-8 文本；请另存为 UTF-8。"


@given(st.text(alphabet='{}[]",:\\\nautre1-.王 '))
def test_no_english_within_chinese(text: str) -> None:
    """Whatever is broken in whichever way."""
    refusal = read_json(DECODER, text.encode())
    if isinstance(refusal, Refusal) and refusal.code == "malformed_json":
        said = refusal.message_zh or ""
        assert not re.search("[a-z]", said.replace("\\n", "").replace("\\u", "").replace("BOM", ""))


def test_codes_in_json_are_told_by_line_and_column() -> None:
    """The line of the file, also behind an empty one."""
    with pytest.raises(InvalidCodes) as raised:
        read_codes('"A1"\n\n{"code": A2}\n')
    assert raised.value.message == "This is not JSON: line 3, column 10: a value must stand here."
    assert raised.value.message_zh == "第 3 行第 10 列：这里应当是一个值。"
    assert raised.value.details == {"line": 3}
