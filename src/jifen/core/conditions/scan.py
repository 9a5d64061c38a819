"""Slips that people make who know other languages, or whose keyboard writes full-width characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from jifen.core.conditions.errors import Problem
from jifen.core.conditions.syntax import place_of

_TOKEN: Final = re.compile(
    r"""(?P<skipped>//[^\n]*|[\"]{3}.*?[\"]{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\.\s*\w+|==(?!=)|!=(?!=)|<=|>=|&&|\|\|)
    |(?P<word>[A-Za-z_]\w*)
    |(?P<sign>===|!==|=|<>|&|\|)
    |(?P<wide>[！-～]+)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_WORDS: Final = {"and": "&&", "or": "||", "not": "!"}
_SIGNS: Final = {"=": "==", "===": "==", "!==": "!=", "<>": "!=", "&": "&&", "|": "||"}
_QUOTES: Final = {"“": '"', "”": '"', "‘": "'", "’": "'", "「": '"', "」": '"', "、": ",", "。": "."}


def slips(source: str) -> Iterator[Problem]:
    """What looks like a slip in a source that cannot be read, with what was probably meant."""
    for token in _TOKEN.finditer(source):
        text = token.group()
        suggestion = None
        if token.lastgroup == "word":
            suggestion = _WORDS.get(text.lower())
        elif token.lastgroup == "sign":
            suggestion = _SIGNS[text]
        elif token.lastgroup == "wide":
            plain = unicodedata.normalize("NFKC", text)
            suggestion = _SIGNS.get(plain, plain)
        elif token.lastgroup == "other":
            suggestion = _QUOTES.get(text)
        if suggestion is not None:
            zh, en = f"{text} 在这里没有意义。", f"{text} has no meaning here."
            yield Problem(*place_of(source, token.start()), zh, en, suggestion)
