"""How likely two members are one person, in percent, and why."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

#: Pairs of letters, each with how many of its kind stand before it, so that a set counts them.
Pairs = frozenset[tuple[str, int]]
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


def likeness(here: Pairs, there: Pairs) -> int:
    """How alike two names are, by their pairs of letters, in percent: Dice's coefficient."""
    return _percent(len(here & there), here, there)


def _percent(shared: int, here: Pairs, there: Pairs) -> int:
    total = len(here) + len(there)
    return 200 * shared // total if total else 0


def letter_pairs(name: str) -> Pairs:
    """The pairs of neighbouring letters of a name (as `name_key` gives it) with the ends of words, each with how
    many of its kind stand before it: as trigrams, but names of two or three characters have few of those."""
    padded = (f" {word} " for word in name.split())
    before: Counter[str] = Counter()
    found = set()
    for pair in (word[index : index + 2] for word in padded for index in range(len(word) - 1)):
        found.add((pair, before[pair]))
        before[pair] += 1
    return frozenset(found)


def alike_names(names: Sequence[str]) -> Iterator[tuple[int, int, Reason]]:
    """Of people who were born on the same day: the pairs (the lower place first) whose names say something. However
    many have one name, it is compared with the others once."""
    keys = [name_key(name) for name in names]
    alike = _alike_keys(dict.fromkeys(keys))
    places: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        for other in sorted(each for found in alike[key] for each in places.get(found, ())):
            yield other, place, "name_and_birthday" if keys[other] == key else "similar_name_and_birthday"
        places.setdefault(key, []).append(place)


def _alike_keys(keys: Iterable[str]) -> dict[str, list[str]]:
    """For each key those that are similar, itself too. Only those that have two neighbouring letters in common are
    compared, which few of many do."""
    pairs = {key: letter_pairs(key) for key in keys}
    alike = {key: [key] if here else [] for key, here in pairs.items()}
    having: dict[tuple[str, int], list[str]] = {}
    for key, here in pairs.items():
        shared = Counter(other for pair in here for other in having.get(pair, ()))
        for other, number in shared.items():
            if _percent(number, here, pairs[other]) >= SIMILAR:
                alike[key].append(other)
                alike[other].append(key)
        for pair in here:
            having.setdefault(pair, []).append(key)
    return alike


def score(reasons: Iterable[Reason]) -> int:
    """What several reasons say together, in percent: each takes its share of the doubt that the others leave."""
    doubt, parts = 1, 1
    for reason in set(reasons):
        doubt *= 100 - WEIGHTS[reason]
        parts *= 100
    return 100 - -(-doubt * 100 // parts)
