"""Merges of members in words: what came in and what went to the other."""

from __future__ import annotations

from jifen.core.ledger.values import Bucket
from jifen.services.explanations.common import Telling, balances, circumstances, repaid
from jifen.services.explanations.told import Told
from jifen.services.explanations.words import Words


def tell_merging(words: Words, told: Told) -> Telling:
    """Points that came from a merged member, or went to the one who survived, or back."""
    came: dict[int, int] = {}
    went: dict[int, int] = {}
    for each in told.movements:
        if each.source is Bucket.TRANSIT:
            came[each.wallet] = came.get(each.wallet, 0) + each.amount
        elif each.target is Bucket.TRANSIT:
            went[each.wallet] = went.get(each.wallet, 0) + each.amount
    lines = circumstances(words, told) if words.reader == "operator" else []
    lines += [words.say("merge_in", points=words.sums(came))] if came else []
    lines += [words.say("merge_out", points=words.sums(went))] if went else []
    step = "merge" if told.merged is None else told.merged.step
    title = words.say("title_merge" if step == "merge" else f"title_merge_{step}")
    return Telling(title, lines + repaid(words, told) + balances(words, told))
