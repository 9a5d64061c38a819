"""What does not fit a type, in Chinese.

The messages of msgspec are sentences of a small grammar: what was expected, with its bounds, and what was found. What
is outside of it is quoted in the parser's own words, so nothing is lost where these change.
"""

from __future__ import annotations

import re
from typing import Final

_KINDS: Final = {
    "int": "整数",
    "float": "数字",
    "str": "文本",
    "bool": "真假值",
    "array": "列表",
    "object": "对象",
    "null": "空值",
    "datetime": "时间",
    "date": "日期",
    "decimal": "小数",
}
#: Where a whole number was expected, what has a fraction is not merely a number.
_FOUND: Final = _KINDS | {"float": "小数"}
_EXPECTED: Final = re.compile(r"Expected `(?P<kinds>[^`]+)`(?P<bound>[^`]*?)(?:, got (?P<found>`?[^`]+`?))?", re.DOTALL)
_LENGTH: Final = re.compile(r"of length (?P<sign>[<>]=?)? ?(?P<number>\d+)")
_RANGE: Final = re.compile(r"(?P<sign>[<>]=?) (?P<number>-?[\d.]+)")
_PATTERN: Final = re.compile(r"matching regex '(?P<pattern>.*)'", re.DOTALL)
_CHOICE: Final = re.compile(r"Invalid (?:enum )?value (?P<value>.+)", re.DOTALL)
_FIELD: Final = re.compile(r"Object (?P<what>missing required|contains unknown) field `(?P<field>.*)`", re.DOTALL)
_FORMS: Final = {
    "Invalid RFC3339 encoded datetime": "不是 RFC 3339 的时间，例如 2026-11-11T00:00:00+08:00",
    "Invalid RFC3339 encoded date": "不是日期，例如 2026-11-11",
    "Invalid decimal string": "不是数字",
    "Number out of range": "数值超出范围",
    "Integer value out of range": "整数超出范围",
}
_SIGNS: Final = {">=": "至少", "<=": "至多", ">": "大于", "<": "小于"}


def misfit_in_chinese(what: str) -> str:
    """What msgspec says of a value that does not fit, without the path and without a full stop."""
    if expected := _EXPECTED.fullmatch(what):
        return _expected(expected)
    if choice := _CHOICE.fullmatch(what):
        return f"{choice['value']} 不在可用的值之中"
    if field := _FIELD.fullmatch(what):
        return f"{'缺少' if field['what'] == 'missing required' else '没有'}字段 {field['field']}"
    return _FORMS.get(what) or f"内容不符（{what}）"


def _expected(found: re.Match[str]) -> str:
    kinds = "或".join(_KINDS.get(each, each) for each in found["kinds"].split(" | "))
    bound = found["bound"].strip()
    if length := _LENGTH.fullmatch(bound):
        unit = "个字符" if found["kinds"] == "str" else "项"
        said = f"须为{kinds}，{_SIGNS.get(length['sign'], '正好')} {length['number']} {unit}"
    elif size := _RANGE.fullmatch(bound):
        said = f"须为{kinds}，{_SIGNS[size['sign']]} {size['number']}"
    elif pattern := _PATTERN.fullmatch(bound):
        said = f"须为{kinds}，符合 {pattern['pattern']}"
    elif bound:
        said = "时间须带时区" if "timezone" in bound else f"须为{kinds}（{bound}）"
    else:
        said = f"须为{kinds}"
    given = (found["found"] or "").strip("`")
    if not given:
        return said
    return f"{said}，这里是{f' {given} 项' if given.isdigit() else _FOUND.get(given, given)}"
