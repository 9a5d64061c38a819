"""What is wrong with how a command was written, in Chinese and in English."""

from __future__ import annotations

import re
from typing import Final

from typer._click.exceptions import BadParameter, ClickException, UsageError

_INVALID: Final = r"Invalid value for '?([^:']+)'?: "
_CHINESE: Final = (
    (re.compile(r"Missing command"), "缺少命令"),
    (re.compile(r"No such command '(.+?)'"), r"没有命令 \1"),
    (re.compile(r"No such option: (\S+)"), r"没有选项 \1"),
    (re.compile(r"Missing (?:argument|option) '?([^']+)'?"), r"缺少 \1"),
    (re.compile(r"Option '(.+?)' requires an argument"), r"选项 \1 后面缺少值"),
    (re.compile(r"Got unexpected extra argument\(?s?\)? \((.+?)\)"), r"多余的参数：\1"),
    (re.compile(rf"{_INVALID}Input should be a valid integer.*"), r"\1 须为整数"),
    (re.compile(rf"{_INVALID}Input should be less than or equal to (\S+)"), r"\1 不得大于 \2"),
    (re.compile(rf"{_INVALID}Input should be greater than or equal to (\S+)"), r"\1 不得小于 \2"),
    (re.compile(rf"{_INVALID}(.+?)"), r"\1 的值不能使用：\2"),
)
_NEAREST: Final = re.compile(r"\.? ?\(?(?:Did you mean|Possible options:) (.+?)[?)]+$")


class BadValue(BadParameter):
    """A value that an option or argument cannot have. `hint`: which one; `zh`, `en`: why not, without a full stop."""

    def __init__(self, hint: str, zh: str, en: str) -> None:
        super().__init__(en, param_hint=hint)
        self.zh = f"{hint} 的值不能使用：{zh}。"


def pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    """What an option says several times as NAME=TEXT, by name."""
    pairs: dict[str, str] = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not (name and sign and value):
            raise BadValue(option, f"{text!r} 须写成 NAME=TEXT", f"{text!r} is not NAME=TEXT")
        pairs[name] = value
    return pairs


def usage_told(error: ClickException) -> tuple[str, str]:
    """In both languages, each in one sentence and with where to look."""
    message = error.format_message().strip()
    context = error.ctx if isinstance(error, UsageError) else None
    zh = error.zh if isinstance(error, BadValue) else _in_chinese(message.rstrip("."))
    en = message if message.endswith((".", "?")) else f"{message}."
    if context is None:
        return zh, en
    return f"{zh}用法见 `{context.command_path} --help`。", f"{en} See `{context.command_path} --help`."


def _in_chinese(message: str) -> str:
    nearest = _NEAREST.search(message)
    plain = message if nearest is None else message[: nearest.start()]
    hint = "" if nearest is None else f"是否为 {nearest[1].replace(', ', '、').replace(' or ', ' 或 ')}？"
    for pattern, words in _CHINESE:
        found = pattern.fullmatch(plain)
        if found is not None:
            return f"{found.expand(words)}。{hint}"
    return f"命令写法有误：{message}。"
