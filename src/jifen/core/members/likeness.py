"""How likely two members are one person, in percent, and why."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

Reason = Literal["phone", "email", "name_and_birthday", "similar_name_and_birthday"]

#: How much each reason says by itself, in percent. A phone may be a family's; two people of one name and birthday
#: are rare, unless the name is only similar.
WEIGHTS: Final[dict[Reason, int]] = {
    "phone": 90,
    "email": 85,
    "name_and_birthday": 80,
    "similar_name_and_birthday": 60,
}
#: From this likeness on (percent) two names are called similar.
SIMILAR: Final = 50


def name_key(name: str) -> str:
    """A name in the one spelling in which names are compared: without case, accents, punctuation and full-width forms,
    its words in order, so that `Lei LI` and `li, léi` are the same."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    letters = "".join(each if each.isalnum() else " " for each in plain if not unicodedata.combining(each))
    return " ".join(sorted(letters.split()))


def likeness(here: Counter[str], there: Counter[str]) -> int:
    """How alike two names are, by their pairs of letters, in percent: Dice's coefficient."""
    total = here.total() + there.total()
    return 200 * (here & there).total() // total if total else 0


def letter_pairs(name: str) -> Counter[str]:
    """The pairs of neighbouring letters of a name (as `name_key` gives it) with the ends of words: as trigrams, but
    names of two or three characters have few of those."""
    padded = (f" {word} " for word in name.split())
    return Counter(word[index : index + 2] for word in padded for index in range(len(word) - 1))


def alike_names(names: Sequence[str]) -> Iterator[tuple[int, int, Reason]]:
    """Of people who were born on the same day: the pairs (the lower place first) whose names say something. Only names
    that have two neighbouring letters in common are compared, which few of many do."""
    keys = [name_key(name) for name in names]
    parts = [letter_pairs(key) for key in keys]
    places: dict[str, list[int]] = {}
    for place, (key, part) in enumerate(zip(keys, parts, strict=True)):
        for other in sorted({each for pair in part for each in places.get(pair, ())}):
            if key == keys[other]:
                yield other, place, "name_and_birthday"
            elif likeness(parts[other], part) >= SIMILAR:
                yield other, place, "similar_name_and_birthday"
        for pair in part:
            places.setdefault(pair, []).append(place)


def score(reasons: Iterable[Reason]) -> int:
    """What several reasons say together, in percent: each takes its share of the doubt that the others leave."""
    doubt, parts = 1, 1
    for reason in set(reasons):
        doubt *= 100 - WEIGHTS[reason]
        parts *= 100
    return 100 - -(-doubt * 100 // parts)
