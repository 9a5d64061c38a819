"""Where a text is no JSON, and why, in Chinese and English.

Python's reader finds the place; it says what it misses in sentences of its own, for which there are words here.
"""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple

from jifen.core.wording.values import Said

#: By how the message of Python's reader begins.
_REASONS: Final[dict[str, Said]] = {
    "Expecting value": ("这里应当是一个值", "a value must stand here"),
    "Expecting property name": ("这里应当是双引号中的字段名", "the name of a field must stand here, in double quotes"),
    "Expecting ':' delimiter": ("这里缺少冒号", "a colon is missing here"),
    "Expecting ',' delimiter": ("这里缺少逗号或结尾的括号", "a comma or a closing bracket is missing here"),
    "Illegal trailing comma": ("这里多了一个逗号", "there is a comma too many here"),
    "Extra data": ("JSON 结尾之后还有内容", "there is more behind the end of the JSON"),
    "Unterminated string": ("从这里开始的文本没有结束", "the text that begins here does not end"),
    "Invalid control character": (
        "文本中有换行之类的控制字符；请写作 \\n",
        "there is a control character in a text, such as a line break; write it as \\n",
    ),
    "Invalid \\uXXXX escape": ("\\u 之后应当是四位十六进制数字", "four hexadecimal digits must follow \\u"),
    "Invalid \\escape": ("这里的反斜杠写法无效", "the backslash here stands before what cannot follow it"),
    "Unexpected UTF-8 BOM": (
        "开头有字节顺序标记（BOM）；请存为不带 BOM 的 UTF-8",
        "it begins with a byte order mark; save it as UTF-8 without one",
    ),
}
_ENDS: Final = ("JSON 到这里没有写完", "it ends here, before the JSON is complete")
_NOT_UTF_8: Final = ("不是 UTF-8 文本；请另存为 UTF-8", "this is not text in UTF-8; save it as UTF-8")
_OTHER: Final = ("这里不是有效的 JSON", "this is no JSON")
_BYTE: Final = re.compile(r"\(byte (\d+)\)")


class JsonFault(NamedTuple):
    """The place, from 1 and in characters, and what is wrong there, without a full stop."""

    line: int
    column: int
    said: Said


def fault_of_json(raw: bytes, reason: str) -> JsonFault:
    """Why a text is no JSON. `reason`: what msgspec says, which tells the place of what only Python's reader takes."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return JsonFault(*_place(raw[: error.start].decode()), _NOT_UTF_8)
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        said = next((said for start, said in _REASONS.items() if error.msg.startswith(start)), _OTHER)
        return JsonFault(error.lineno, error.colno, _ENDS if error.pos >= len(text.rstrip()) else said)
    except RecursionError:
        pass
    byte = _BYTE.search(reason)
    before = raw[: int(byte[1])] if byte else b""
    return JsonFault(*_place(before.decode(errors="ignore")), _OTHER)


def _place(before: str) -> tuple[int, int]:
    """Line and column of what follows a text."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")
