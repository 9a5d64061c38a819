"""What text from outside may contain."""

from __future__ import annotations

import pytest

from jifen.core.text import unfit_text


@pytest.mark.parametrize("text", ["", "abc", "积分 ½ 😀", "line\nline", "tab\tand\r\n", "\u200d joined", "é"])
def test_ordinary_text_is_fit(text: str) -> None:
    """Every script, line breaks and tabs."""
    assert unfit_text(text) is None
    text.encode()


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\ude00 reversed \ud83d"])
def test_lone_surrogates_are_named(text: str) -> None:
    """They cannot be encoded, so they could be neither stored nor answered."""
    assert unfit_text(text) == "half of a surrogate pair"


@pytest.mark.parametrize(("text", "code"), [("a\0b", "U+0000"), ("\x1b[31m", "U+001B"), ("\x7f", "U+007F")])
def test_control_characters_are_named(text: str, code: str) -> None:
    """NUL cannot be stored in PostgreSQL, the others play tricks on terminals."""
    reason = unfit_text(text)
    assert reason is not None
    assert code in reason
