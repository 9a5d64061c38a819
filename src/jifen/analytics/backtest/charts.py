"""Charts as SVG, drawn by small functions: nothing is loaded from anywhere, and paper shows them as the screen does."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil
from typing import Final

import msgspec

from jifen.core.rules.document import LocalizedText

WIDTH: Final = 720
#: About as wide as a digit, and as the label of a month with the space that keeps it clear of the next.
_CHARACTER: Final = 8
_LABEL: Final = 68
_RECORDED: Final = "recorded"
_DRAFT: Final = "draft"


class BarPair(msgspec.Struct, frozen=True):
    """Two bars under one label."""

    label: str | LocalizedText
    recorded: int
    draft: int


class Bar(msgspec.Struct, frozen=True):
    """One bar. `kind` is the class that gives its colour."""

    label: str
    value: int
    kind: str


def paired_columns(pairs: Sequence[BarPair]) -> str:
    """Columns side by side, one pair after another: months."""
    height, top, bottom = 240, 16, 34
    ceiling = nice_ceiling(max((max(each.recorded, each.draft) for each in pairs), default=0))
    left = 16 + _CHARACTER * len(f"{ceiling:,}")
    body = [*_grid(ceiling, left, top, height - bottom)]
    slot = (WIDTH - left - 8) / max(len(pairs), 1)
    width = min(slot * 0.36, 28)
    every = ceil(_LABEL / slot)
    for index, each in enumerate(pairs):
        middle = left + slot * (index + 0.5)
        for kind, value, x in ((_RECORDED, each.recorded, middle - width - 1), (_DRAFT, each.draft, middle + 1)):
            size = _scaled(value, ceiling, height - bottom - top)
            body.append(_rectangle(kind, x, height - bottom - size, width, size, _titled(each.label, value)))
        if index % every == 0:
            body.append(_text(middle, height - bottom + 18, each.label, "middle"))
    return _svg(height, body)


def paired_rows(pairs: Sequence[BarPair]) -> str:
    """Bars below each other, one pair after another: rules."""
    left, row = 190, 40
    height = row * max(len(pairs), 1) + 8
    most = max((max(each.recorded, each.draft) for each in pairs), default=0)
    body = []
    for index, each in enumerate(pairs):
        y = row * index + 6
        body.append(_text(left - 10, y + 19, each.label, "end", most=26))
        for kind, value, offset in ((_RECORDED, each.recorded, 0), (_DRAFT, each.draft, 15)):
            size = _scaled(value, most, WIDTH - left - 110)
            body.append(_rectangle(kind, left, y + offset, size, 13, _titled(each.label, value)))
            body.append(_text(left + size + 6, y + offset + 11, f"{value:,}", "start"))
    return _svg(height, body)


def columns(bars: Sequence[Bar]) -> str:
    """Single columns with their value above: the histogram."""
    height, top, bottom = 254, 24, 68
    most = max((each.value for each in bars), default=0)
    left = 36
    slot = (WIDTH - left) / max(len(bars), 1)
    width = min(slot * 0.8, 60)
    body = [f'<line class="axis" x1="0" x2="{WIDTH}" y1="{height - bottom}" y2="{height - bottom}"/>']
    for index, each in enumerate(bars):
        middle = left + slot * (index + 0.5)
        size = _scaled(each.value, most, height - bottom - top)
        body.append(
            _rectangle(
                each.kind, middle - width / 2, height - bottom - size, width, size, f"{each.label}: {each.value:,}"
            )
        )
        if each.value:
            body.append(_text(middle, height - bottom - size - 6, f"{each.value:,}", "middle"))
        body.append(_slanted(middle, height - bottom + 14, each.label))
    return _svg(height, body)


def nice_ceiling(value: int) -> int:
    """The next of 1, 2, 4, 6, 8 and their tens that is not below a value: bars fill half of the axis at least."""
    power = 1
    while True:
        for digit in (1, 2, 4, 6, 8):
            if digit * power >= value:
                return digit * power
        power *= 10


def _grid(ceiling: int, left: int, top: int, bottom: int) -> list[str]:
    lines = []
    for part in range(5):
        y = bottom - (bottom - top) * part / 4
        lines.append(f'<line class="grid" x1="{left}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        if ceiling * part % 4 == 0 or ceiling > 100:
            lines.append(_text(left - 8, y + 4, f"{ceiling * part // 4:,}", "end"))
    return lines


def _scaled(value: int, most: int, size: float) -> float:
    # A bar that stands for something is seen, however small that is.
    return max(size * value / most, 1.0) if most > 0 and value > 0 else 0.0


def _rectangle(kind: str, x: float, y: float, width: float, height: float, title: str) -> str:
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="1.5">'
        f"<title>{escape(title)}</title></rect>"
    )


def _titled(label: str | LocalizedText, value: int) -> str:
    """A title has no markup, so one of both languages says both."""
    shown = label if isinstance(label, str) else " / ".join(dict.fromkeys((label.zh, label.en)))
    return f"{shown}: {value:,}"


def _text(x: float, y: float, text: str | LocalizedText, anchor: str, *, most: int = 40) -> str:
    """A text, of which the page shows one language."""
    if isinstance(text, LocalizedText):
        return _in(x, y, text.zh, anchor, most, "zh") + _in(x, y, text.en, anchor, most, "en")
    return _in(x, y, text, anchor, most, "")


def _in(x: float, y: float, text: str, anchor: str, most: int, language: str) -> str:
    shown = text if len(text) <= most else text[: most - 1] + "…"
    kind = f' class="{language}"' if language else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(shown)}</text>'


def _slanted(x: float, y: float, text: str) -> str:
    # So steep that the labels of forty columns lie clear of each other.
    return f'<text transform="translate({x:.1f} {y:.1f}) rotate(-50)" text-anchor="end">{escape(text)}</text>'


def _svg(height: int, body: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{"".join(body)}</svg>'
