"""The program that somebody means who names none."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from jifen.services.programs import ProgramFileUnreadable, starter_names
from jifen.services.typed_yaml import MAXIMUM_CHARACTERS

#: Every program has wallets, and no mapping, event or member file has any.
_WALLETS: Final = re.compile(r"^[\"']?wallets[\"']?\s*:", re.MULTILINE)


def program_here(folder: Path) -> str:
    """The name of the only program file in a folder.

    Raises:
        ProgramFileUnreadable: there is none, or more than one.
    """
    files = sorted(each for pattern in ("*.yaml", "*.yml") for each in folder.glob(pattern))
    found = [each.name for each in files if _is_program(each)]
    if len(found) == 1:
        return found[0]
    names = found or starter_names()
    zh, en = "、".join(names), ", ".join(names)
    if found:
        raise ProgramFileUnreadable(
            f"There are several program files here; name one of {en}.",
            message_zh=f"此文件夹中有多个积分计划；请写明其中之一：{zh}。",
        )
    raise ProgramFileUnreadable(
        f"There is no program file here; name one, or one of {en}.",
        message_zh=f"此文件夹中没有积分计划；请写文件名，或 {zh} 之一。",
    )


def _is_program(file: Path) -> bool:
    with suppress(OSError, UnicodeDecodeError), file.open(encoding="utf-8-sig") as content:
        return _WALLETS.search(content.read(MAXIMUM_CHARACTERS)) is not None
    return False
