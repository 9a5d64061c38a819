"""Files with codes of a merchant's own: what is read of them, and the line of what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jifen.core.program import Program
from jifen.services.stock import InvalidCodes, add_codes, read_codes
from tests.databases import DEFAULT_PROGRAM
from tests.redeeming import with_rewards


class Untouched:
    """A connection through which nothing may be done."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name}: nothing is done with a file that is refused")


def refusal(text: str) -> tuple[str, dict[str, Any]]:
    """What is said of a file that is refused before anything is done."""
    program = Program(1, with_rewards(DEFAULT_PROGRAM), {"points": 1})
    with pytest.raises(InvalidCodes) as refused:
        asyncio.run(add_codes(Untouched(), program, 64, "movie", read_codes(text), actor="test", reason="x"))
    return str(refused.value), refused.value.details


@pytest.mark.parametrize(
    ("text", "codes", "lines"),
    [
        ("\ufeffcode,note\r\nA1 ,x\r\n\r\n\tA2\t,y\r\n", ["A1", "A2"], [2, 4]),
        ("A1\rA2\r", ["A1", "A2"], [1, 2]),
        ('note,code\n"two\nlines",A1\n,,\nx,A2', ["A1", "A2"], [2, 5]),
        ('\n"A1"\n\n{"code": "A2"}\n', ["A1", "A2"], [2, 4]),
        ('code\n="A1"\n\'A2\n', ["A1", "A2"], [2, 3]),
        ("", [], []),
    ],
)
def test_what_stands_around_a_code_is_left_out(text: str, codes: list[str], lines: list[int]) -> None:
    """Blanks and marks at its ends, empty lines, the ways of spreadsheets; each code knows its line."""
    assert read_codes(text) == (codes, lines)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("code\nA1\nA\t2\n", 3),
        ("code,note\nA1,x\n\nA 2,x\n", 4),
        ("A1\nA\u30002\n", 2),
        ("A1\nA\u200b2\n", 2),
        ("A1\nA\x0b2\n", 2),
        ("A1\nA\x1c2\n", 2),
        ("A1\nA\x852\n", 2),
        ("A1\nA\u20282\n", 2),
        ("A1\nA\x002\n", 2),
        ("A1\nA\x7f2\n", 2),
        ('code,note\n"A1","x\ny"\n"A\n2",x\n', 4),
        ('"A1"\n\n"A\\t2"\n', 3),
        ('A1\n"A2\n' + "A3\n" * 50_000, 2),
        ("code,note\nA1,x\n,x\n", 3),
    ],
)
def test_a_code_with_more_in_it_than_is_seen_is_refused(text: str, line: int) -> None:
    """Tabs, control characters, blanks and line breaks within a code: the line is said, and nothing is done."""
    said, details = refusal(text)
    assert f"Line {line}" in said and details == {"line": line}


def test_blanks_between_groups_of_a_code_of_our_own_are_how_it_is_read_out() -> None:
    """Such a code is kept in its one spelling, so that its blanks are none within a code."""
    read = read_codes("7K3M Q9TX 0VBH 2R8D WN5C\nA\t1")
    assert read.codes[0].count(" ") == 4
    assert refusal("7K3M Q9TX 0VBH 2R8D WN5C\nA\t1")[1] == {"line": 2}
