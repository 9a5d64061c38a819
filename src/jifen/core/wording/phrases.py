"""The clauses that conditions are told with, in Chinese and English. Operators stand by CEL's names."""

from __future__ import annotations

from typing import Final

from jifen.core.wording.values import Said

BETWEEN: Final[dict[str, Said]] = {"_&&_": ("，且", ", and "), "_||_": ("，或", ", or ")}
GROUP: Final[Said] = ("（{clause}）", "({clause})")
IS: Final[dict[str, Said]] = {
    "_==_": ("{subject}是{value}", "{subject} is {value}"),
    "_!=_": ("{subject}不是{value}", "{subject} is not {value}"),
}
EMPTY: Final[dict[str, Said]] = {
    "_==_": ("{subject}为空", "{subject} is empty"),
    "_!=_": ("{subject}不为空", "{subject} is not empty"),
}
IN_TIME: Final[dict[str, Said]] = {
    **IS,
    "_>=_": ("{subject}不早于{value}", "{subject} is {value} or later"),
    "_>_": ("{subject}晚于{value}", "{subject} is later than {value}"),
    "_<=_": ("{subject}不晚于{value}", "{subject} is {value} or earlier"),
    "_<_": ("{subject}早于{value}", "{subject} is earlier than {value}"),
}
IN_NUMBER: Final[dict[str, Said]] = {
    "_==_": ("{subject}等于{value}", "{subject} is {value}"),
    "_!=_": ("{subject}不等于{value}", "{subject} is not {value}"),
    "_>=_": ("{subject}至少{value}", "{subject} is at least {value}"),
    "_>_": ("{subject}超过{value}", "{subject} is more than {value}"),
    "_<=_": ("{subject}最多{value}", "{subject} is at most {value}"),
    "_<_": ("{subject}不到{value}", "{subject} is less than {value}"),
}
AMOUNTS: Final[dict[str, Said]] = {
    "_==_": ("正好 {number}", "exactly {number}"),
    "_!=_": ("不是正好 {number}", "not exactly {number}"),
    "_>=_": ("至少 {number}", "at least {number}"),
    "_>_": ("超过 {number}", "more than {number}"),
    "_<=_": ("最多 {number}", "at most {number}"),
    "_<_": ("不到 {number}", "fewer than {number}"),
}
OF_TEXTS: Final[dict[str, tuple[Said, Said]]] = {
    "startsWith": (
        ("{subject}以{value}开头", "{subject} starts with {value}"),
        ("{subject}不以{value}开头", "{subject} does not start with {value}"),
    ),
    "endsWith": (
        ("{subject}以{value}结尾", "{subject} ends with {value}"),
        ("{subject}不以{value}结尾", "{subject} does not end with {value}"),
    ),
    "contains": (
        ("{subject}含有{value}", "{subject} contains {value}"),
        ("{subject}不含{value}", "{subject} does not contain {value}"),
    ),
    "matches": (
        ("{subject}符合模式{value}", "{subject} matches the pattern {value}"),
        ("{subject}不符合模式{value}", "{subject} does not match the pattern {value}"),
    ),
}
OF_TRUTHS: Final[tuple[Said, Said]] = (
    ("{subject}为「是」", "{subject} is “yes”"),
    ("{subject}为「否」", "{subject} is “no”"),
)
ALWAYS: Final[tuple[Said, Said]] = (("始终成立", "this always holds"), ("从不成立", "this never holds"))
QUOTED: Final[tuple[Said, Said]] = (
    ("条件 `{code}` 成立", "the condition `{code}` holds"),
    ("条件 `{code}` 不成立", "the condition `{code}` does not hold"),
)
NOT: Final[Said] = ("并非（{clause}）", "not ({clause})")
CHOICE: Final[Said] = ("（{which}）时{one}，否则{other}", "{one} if ({which}), else {other}")
INFIX: Final[dict[str, Said]] = {
    "_+_": ("{left} + {right}", "{left} + {right}"),
    "_-_": ("{left} - {right}", "{left} - {right}"),
    "_*_": ("{left} × {right}", "{left} × {right}"),
    "_/_": ("{left} ÷ {right} 的整数部分", "the whole part of {left} ÷ {right}"),
    "_%_": ("{left} ÷ {right} 的余数", "the remainder of {left} ÷ {right}"),
}
#: Parts of an instant, as far as CEL counts them from where people do.
PARTS: Final[dict[str, tuple[Said, str]]] = {
    "getFullYear": (("{subject}的年份{zone}", "the year of {subject}{zone}"), "year"),
    "getDate": (("{subject}的日期{zone}", "the day of the month of {subject}{zone}"), "day"),
    "getHours": (("{subject}的钟点{zone}", "the hour of {subject}{zone}"), "hour"),
    "getMinutes": (("{subject}的分钟{zone}", "the minute of {subject}{zone}"), "minute"),
}
IN_ZONE: Final[Said] = ("（{zone}）", " ({zone})")
LENGTH: Final[Said] = ("{subject}的字数", "the length of {subject}")
UNITS: Final[dict[str, tuple[str, str, str]]] = {
    "h": ("小时", "hour", "hours"),
    "m": ("分钟", "minute", "minutes"),
    "s": ("秒", "second", "seconds"),
}
