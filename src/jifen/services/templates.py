"""Templates: a real program of each trade, to be written into a file and changed there."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import ClassVar, Final

from jifen.core.errors import JifenError
from jifen.core.nearest import asking, nearest
from jifen.core.system_words import system_words

#: The trade of each template, in Chinese and English, as it is listed.
TEMPLATES: Final[Mapping[str, tuple[str, str]]] = {
    "retail": ("零售", "Retail"),
    "coffee": ("咖啡店", "Coffee shop"),
    "restaurant": ("餐饮", "Restaurant"),
    "hotel": ("酒店", "Hotel"),
    "airline": ("航空", "Airline"),
    "bank": ("银行信用卡", "Bank card"),
    "mother-and-baby": ("母婴", "Mother and baby"),
    "education": ("教育培训", "Education"),
}


class UnknownTemplate(JifenError):
    """There is no template of this name."""

    code: ClassVar[str] = "unknown_template"


class TemplateNotWritten(JifenError):
    """The file is there already, or nothing can be written at its place."""

    code: ClassVar[str] = "template_not_written"


def read_template(name: str) -> str:
    """The text of a template.

    Raises:
        UnknownTemplate: there is none of this name.
    """
    if name not in TEMPLATES:
        zh, en = (
            f"{name}；有 {'、'.join(TEMPLATES)}。",
            f"There is no template {name!r}; there are {', '.join(TEMPLATES)}.",
        )
        zh, en = asking(zh, en, nearest(name, TEMPLATES))
        raise UnknownTemplate(en, message_zh=zh, template=name)
    return files("jifen").joinpath("programs", "templates", f"{name}.yaml").read_text("utf-8")


def write_template(name: str, path: Path, *, overwrite: bool = False) -> None:
    """Write a template into a file. `overwrite`: what stands there may go.

    Raises:
        UnknownTemplate: there is none of this name.
        TemplateNotWritten: the file is there already, or cannot be written.
    """
    text = read_template(name)
    try:
        with open(path, "w" if overwrite else "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise TemplateNotWritten(
            f"{path} is there already; name another place with --output, or replace it with --force.",
            message_zh=f"{path} 已存在；请用 --output 另选位置，或加 --force 覆盖。",
            path=str(path),
        ) from None
    except (OSError, ValueError) as error:
        zh, en = system_words(error)
        raise TemplateNotWritten(
            f"{str(path)!r} cannot be written: {en}; name another place with --output.",
            message_zh=f"{str(path)!r}：{zh}；请用 --output 另选位置。",
            path=str(path),
        ) from None
