"""Conditions beside rules that can fail: of tiers, rewards, prices, lotteries, flows, and campaigns without rules.

There, nobody reports that a condition could not be worked out: it counts as one that does not hold, or a tier as kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import z3

from jifen.analytics.proofs.beside import Beside
from jifen.analytics.proofs.encoding import may_fail, unprovable_parts
from jifen.analytics.proofs.evaluation import has_value
from jifen.analytics.proofs.examples import counterexample
from jifen.analytics.proofs.failing import numbers_of, ordinary
from jifen.analytics.proofs.places import Place, PlaceInFile, Places
from jifen.analytics.proofs.report import Finding, NotProven, finding, gave_up, not_proven, not_shown
from jifen.analytics.proofs.undecided import Undecided
from jifen.core.conditions import EvaluationFailed
from jifen.core.limits import MAXIMUM_BALANCE
from jifen.core.wording.failures import PARTS, part_failure_in_words
from jifen.core.wording.values import Said

#: As what a condition counts that fails, by the field that it stands in.
_COUNTS_AS: Final[dict[str, Said]] = {
    "qualify": ("视为未达到该等级", "the tier then counts as not reached"),
    "keep": ("视为保住该等级", "the tier then counts as kept"),
    "when": (
        "视为不成立，兑换不经这一审批流",
        "it then counts as not met, and the redemption does not go through this flow",
    ),
}
_NOT_MET: Final[Said] = ("视为不成立", "it then counts as not met")


def can_fail_beside(beside: Beside, places: Places) -> Iterator[Finding | NotProven]:
    """Whether conditions that hold of some members fail for others."""
    for found in places.beside_rules():
        if not may_fail(found.place.condition.root, beside.encoder_of(found.place).optional):
            continue
        try:
            yield from _can_fail(beside, found)
        except Undecided as error:
            # What is beyond proof is named already.
            if not unprovable_parts(found.place.condition.root):
                yield gave_up(found.place.owner, "can_fail", error)


def _can_fail(beside: Beside, found: PlaceInFile) -> Iterator[Finding | NotProven]:
    """Raises Undecided."""
    place = found.place
    if not beside.asker.is_possible(beside.solver(place, [], [beside.meets(place, place.condition.root)])):
        # It never holds, which is a finding of its own.
        return
    model = _failing(beside, place, is_ordinary=True)
    if model is not None and (message := _failure(beside, place, model)) is not None:
        zh, en = found.name(0)
        counts_zh, counts_en = _COUNTS_AS.get(place.field.rpartition(".")[2], _NOT_MET)
        reason_zh, reason_en = _reason(beside, place, model, message)
        zh = f"{zh}的条件有时会失败，{counts_zh}：{reason_zh}"
        en = f"{en} fails at times; {counts_en}: {reason_en}"
        yield finding("can_fail", [place.owner], zh, en, counterexample(beside.case(place, model)), found.at(0))
        return
    model = _failing(beside, place, is_ordinary=False)
    if model is not None and (message := _failure(beside, place, model)) is not None:
        reason_zh, reason_en = _reason(beside, place, model, message)
        zh = f"can_fail：数额极大时 {place.field} 会失败：{reason_zh}"
        en = f"can_fail: of numbers out of the ordinary, {place.field} fails: {reason_en}"
        yield not_proven(place.owner, zh, en, found.at(0))
    elif model is not None and not unprovable_parts(place.condition.root):
        yield not_shown(place.owner, "can_fail")


def _failing(beside: Beside, place: Place, *, is_ordinary: bool) -> Any:
    """What is so where a condition fails, with as many noughts as can be; None: it never does. Raises Undecided."""
    encoder, root = beside.encoder_of(place), place.condition.root
    numbers = [encoder.number(each) for each in numbers_of(encoder, place.condition.names)]
    wanted = [z3.Not(has_value(encoder, root)), *encoder.products([root])]
    if is_ordinary:
        wanted += ordinary(encoder, place.condition.names)
    else:
        wanted += [z3.And(each >= -MAXIMUM_BALANCE, each <= MAXIMUM_BALANCE) for each in numbers]
    solver = beside.solver(place, [], wanted)
    if not beside.asker.is_possible(solver):
        return None
    return beside.asker.usual_model(solver, [each == 0 for each in numbers])


def _failure(beside: Beside, place: Place, model: Any) -> str | None:
    """With which message a condition really fails; None: it does not."""
    try:
        place.condition.evaluate(beside.facts(place, model))
    except EvaluationFailed as error:
        return str(error)
    return None


def _reason(beside: Beside, place: Place, model: Any, message: str) -> Said:
    """Why it fails, with the numbers for which it does: those of redemptions and balances are no member's facts."""
    facts = beside.facts(place, model)
    shown = [f"{name} = {facts[name]:,}" for name in numbers_of(beside.encoder_of(place), place.condition.names)]
    zh, en = part_failure_in_words(PARTS["when"], message)
    zh, en = zh.removesuffix("。"), en.removesuffix(".")
    return (f"{zh}（例如 {'、'.join(shown)}）", f"{en} (such as {', '.join(shown)})") if shown else (zh, en)
