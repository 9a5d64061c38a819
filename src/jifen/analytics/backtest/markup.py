"""Small pieces of the report's page. What is called text is escaped here; what is called label or content is markup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import msgspec

from jifen.analytics.backtest.report import Figure
from jifen.core.rules.document import LocalizedText


class Signed(msgspec.Struct, frozen=True):
    """A difference as a cell of a table."""

    number: int


#: A cell of a table: a whole number (None: there is none), a difference, or markup.
Cell = str | int | Signed | None


def both(zh: str, en: str) -> str:
    """A text in both languages, of which the page shows one."""
    return f'<span class="zh">{escape(zh)}</span><span class="en" lang="en">{escape(en)}</span>'


def named(text: LocalizedText) -> str:
    """A text of the program in both languages."""
    return both(text.zh, text.en)


def entitled(names: Mapping[str, LocalizedText], key: str) -> str:
    """What something of the program is called; its id where it has no name."""
    return named(names[key]) if key in names else escape(key)


def said(words: dict[str, tuple[str, str]], key: str) -> str:
    """What a name of the data is called; the name itself where there is no word for it."""
    return both(*words[key]) if key in words else escape(key)


def signed(number: int) -> str:
    """A difference, in the colour of its sign."""
    kind = "more" if number > 0 else "less" if number < 0 else "soft"
    return f'<span class="{kind}">{number:+,}</span>' if number else f'<span class="{kind}">0</span>'


def share(figure: Figure) -> str:
    """The difference as a share of what was recorded."""
    if not figure.recorded or not figure.difference:
        return ""
    # Tenths of a percent, in whole numbers.
    tenths = (abs(figure.difference) * 2000 + figure.recorded) // (2 * abs(figure.recorded))
    sign = "+" if figure.difference > 0 else "−"
    return f" ({sign}{tenths // 10:,}.{tenths % 10}%)"


def money(cents: int, currency: str) -> str:
    """An amount of money."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02d} {escape(currency)}"


def tile(label: str, value: str, below: str) -> str:
    """A figure with its name above and a remark below."""
    return f'<div class="tile"><small>{label}</small><b>{value}</b><small>{below}</small></div>'


def card(title: str, content: str, kind: str = "card") -> str:
    """A part of the page with its title."""
    return f'<section class="{kind}"><h3>{title}</h3>{content}</section>'


def table(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table. Columns of whole numbers stand to the right."""
    listed = list(rows)
    numeric = [
        bool(listed) and all(not isinstance(row[index], str) for row in listed) for index in range(len(headings))
    ]
    head = "".join(
        f"<th{_number_class(is_number)}>{heading}</th>" for heading, is_number in zip(headings, numeric, strict=True)
    )
    lines = "".join(
        f"<tr>{''.join(_cell(cell, is_number) for cell, is_number in zip(row, numeric, strict=True))}</tr>"
        for row in listed
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _cell(cell: Cell, is_number: bool) -> str:
    match cell:
        case None:
            shown = "–"
        case Signed():
            shown = signed(cell.number)
        case _:
            shown = cell if isinstance(cell, str) else f"{cell:,}"
    return f"<td{_number_class(is_number)}>{shown}</td>"


def _number_class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


LEGEND = (
    '<p class="legend soft">'
    f'<span class="key recorded"></span>{both("实际", "as recorded")}'
    f'<span class="key draft"></span>{both("草案", "draft")}</p>'
)
