"""A pattern that has a language fits exactly the texts of that language."""

from __future__ import annotations

from random import Random

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from jifen.analytics.proofs.patterns import is_plain, language_of, string_of
from jifen.core.conditions import InvalidCondition, Vocabulary

VOCABULARY = Vocabulary({"text": "string"})
PARTS = [
    "a",
    "b",
    "B",
    "7",
    "-",
    ".",
    "é",
    "茶",
    r"\.",
    r"\\",
    r"\d",
    r"\W",
    r"\s",
    "[a-c]",
    "[^a-b7]",
    r"[\d-]",
    "(ab|b|)",
]
PARTS += ["(?:a|[^a])", r"[\--9]", "[茶-茸]"]
REPEATS = ["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0}", "{1,}", "{0,2}", "+?"]
SIGNS = "aabbBc7-. \\\n茶é"


def written(random: Random) -> str:
    """A pattern of a few parts, with or without anchors."""
    choices = [
        random.choice(["", "^"])
        + "".join(random.choice(PARTS) + random.choice(REPEATS) for _ in range(random.randrange(4)))
        + random.choice(["", "$"])
        for _ in range(random.choice([1, 1, 2]))
    ]
    return "|".join(choices)


def quoted(text: str) -> str:
    """As it stands in a condition."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_languages_and_patterns_agree(random: Random) -> None:
    """On random patterns and texts, the solver says what RE2 says."""
    pattern = written(random)
    assert is_plain(pattern)
    condition, context = VOCABULARY.compile(f"text.matches({quoted(pattern)})"), z3.Context()
    language = language_of(pattern, context)
    for _ in range(12):
        text = "".join(random.choice(SIGNS) for _ in range(random.randrange(5)))
        fits = z3.simplify(z3.InRe(string_of(text, context), language))
        assert condition.evaluate({"text": text}) == z3.is_true(fits), (pattern, text)


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "(?i)a",
            "(?P<name>a)",
            r"\bword\b",
            r"\p{Han}",
            r"a$b",
            "(^a)",
            "(a$)",
            "a{,2}",
            "[[:alpha:]]",
            "[]a]",
            r"\x41",
        ),
        *(r"\Qa\E", "a{65}", r"[a-\x{7f}]", "𰀀", "x{", r"\z"),
    ],
)
def test_what_is_not_plain_has_no_language(pattern: str) -> None:
    """RE2 takes all of these; what they mean is not guessed."""
    VOCABULARY.compile(f"text.matches({quoted(pattern)})")
    assert not is_plain(pattern)


@pytest.mark.parametrize("pattern", ["a**", "[b-a]", "(a", "a)", "*a", r"\8"])
def test_what_is_no_pattern_is_refused_before(pattern: str) -> None:
    """So that it need not be known here."""
    with pytest.raises(InvalidCondition):
        VOCABULARY.compile(f"text.matches({quoted(pattern)})")


@pytest.mark.parametrize("text", ["", "a\\u{41}b", "\\", "茶", '"', "\n"])
def test_texts_are_taken_as_they_are(text: str) -> None:
    """Whatever the solver would take for an escape."""
    context = z3.Context()
    assert z3.simplify(z3.Length(string_of(text, context))).as_long() == len(text)
