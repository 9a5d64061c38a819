"""Constants that can only fail: a wrong pattern, instant, duration or zone. CEL itself finds them too late."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

from cel_expr_python import cel

from jifen.core.conditions.syntax import Call, Constant, Node
from jifen.core.conditions.zones import is_zone, provide_zones, zone_names
from jifen.core.nearest import nearest


class Fault(NamedTuple):
    """What is wrong, where in the source."""

    position: int
    message_zh: str
    message: str
    suggestion: str | None = None


def constant_fault(call: Call) -> Fault | None:
    """What is wrong with the constant that this call is given, if anything is."""
    if call.overload in {"matches", "matches_string"}:
        return _pattern_fault(call.arguments[1])
    if call.overload.endswith("_with_tz"):
        return _zone_fault(call.arguments[1])
    argument = call.arguments[0]
    if call.overload in _EXAMPLES and isinstance(argument, Constant):
        wanted, program = _EXAMPLES[call.overload]
        if _fails(program, argument.value):
            zh, en = wanted
            return Fault(argument.position, f"{argument.value!r} 不是{zh}。", f"{argument.value!r} is no {en}.")
    return None


_EXAMPLES: Final = {
    "string_to_timestamp": (
        ('时刻；请写成 "2026-11-11T00:00:00+08:00"', 'instant; write "2026-11-11T00:00:00+08:00"'),
        "timestamp(text)",
    ),
    "string_to_duration": (
        ('时长；请写成 "90m" 或 "24h"（单位 h、m、s、ms）', 'duration; write "90m" or "24h" (units h, m, s, ms)'),
        "duration(text)",
    ),
    "string_to_int64": (("整数", "whole number"), "int(text)"),
}
#: What RE2 can say of a pattern; where one beginning is that of another, the longer one first.
_REASONS: Final = {
    "no argument for repetition operator": "重复符号之前没有可重复的内容",
    "bad repetition operator": "重复符号不能连用",
    "invalid repetition size": "重复次数不对：最多 1000 次，且不能倒着写",
    "missing argument to repetition operator": "重复符号之前没有可重复的内容",
    "missing )": "缺少右括号 )",
    "unexpected )": "多出右括号 )",
    "missing ]": "缺少右方括号 ]",
    "trailing \\": "结尾多出反斜杠 \\",
    "invalid escape sequence": "没有这种反斜杠写法",
    "invalid character class range": "没有这个字符范围",
    "invalid character class": "没有这个字符类",
    "invalid perl operator": "不支持这种 (? 写法",
    "invalid named capture group": "分组的名称不对",
    "invalid UTF-8": "含有不是 UTF-8 的字符",
    "pattern too large": "模式过大",
}


def _pattern_fault(pattern: Node) -> Fault | None:
    if not isinstance(pattern, Constant):
        zh = "matches() 的模式须直接写成文本。"
        return Fault(pattern.position, zh, "The pattern of matches() must stand in the condition as a text.")
    error = _error("''.matches(text)", pattern.value)
    if error is None:
        return None
    reason = error.rpartition("invalid regular expression: ")[2]
    zh = f"这不是正则表达式：{_reason_in_chinese(reason)}。"
    return Fault(pattern.position, zh, f"This is no regular expression: {reason}.")


def _reason_in_chinese(reason: str) -> str:
    """What RE2 says of a pattern, with the part of the pattern that it names."""
    for english, chinese in _REASONS.items():
        if reason.startswith(english):
            part = reason.removeprefix(english).removeprefix(": ")
            return f"{chinese}（{part}）" if part else chinese
    return "请按 RE2 的语法书写"


def _zone_fault(zone: Node) -> Fault | None:
    if not isinstance(zone, Constant):
        return Fault(zone.position, "时区须直接写成文本。", "The time zone must stand in the condition as a text.")
    name = str(zone.value)
    if not is_zone(name):
        near = nearest(name, zone_names())
        en = f'{name!r} is no time zone; write an IANA name or an offset such as "+08:00".'
        zh = f'{name!r} 不是时区；请写 IANA 名称，或 "+08:00" 这样的偏移。'
        return Fault(zone.position, zh, en, f'"{near}"' if near else None)
    if _fails("timestamp(0).getHours(text)", name):
        en = f"The rules of the time zone {name} are not installed on this machine."
        return Fault(zone.position, f"这台机器上没有安装时区 {name} 的规则。", en)
    return None


def _fails(program: str, text: object) -> bool:
    return _error(program, text) is not None


def _error(program: str, text: object) -> str | None:
    result = _program(program).eval(data={"text": text})
    return str(result.value()) if result.type() == cel.Type.ERROR else None


@cache
def _program(source: str) -> Any:
    provide_zones()
    return cel.NewEnv(variables={"text": cel.Type.STRING}).compile(source)
