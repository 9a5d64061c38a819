"""The texts of a workbook on disk: whatever is asked for in whatever order."""

from __future__ import annotations

from contextlib import closing
from random import Random

from jifen.services.imports.workbooks.strings import Texts


def test_texts_are_found_in_any_order() -> None:
    """Forwards, backwards and at random; short ones, empty ones, and some longer than what is read at once."""
    random = Random(1)
    written = [f"{number}：{'茶' * random.choice((0, 3, 40, 200))}" for number in range(2_000)]
    written[700], written[1_300] = "", "长" * 50_000
    with closing(Texts()) as texts:
        for text in written:
            texts.add(text)
        texts.end()
        numbers = range(len(written))
        for order in (numbers, reversed(numbers), random.sample(numbers, len(numbers))):
            assert all(texts.text(number) == written[number] for number in order)
        assert (texts.text(-1), texts.text(len(written))) == (None, None)
