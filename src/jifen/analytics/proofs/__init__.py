"""Proofs about a program's rules: loop-holes are found before they cost a cent.

`check_program` asks an SMT solver (z3) about the conditions as CEL checked them. What it finds is rated by the real
pipeline before it is called a finding; what it cannot decide is named, never passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from jifen.analytics.proofs.absent import read_but_optional
from jifen.analytics.proofs.asking import Asker, Effort, Exhausted
from jifen.analytics.proofs.audiences import never_met
from jifen.analytics.proofs.beside import Beside
from jifen.analytics.proofs.caps import idle_caps
from jifen.analytics.proofs.examples import Case, ordinary_order
from jifen.analytics.proofs.failing import can_fail
from jifen.analytics.proofs.failing_beside import can_fail_beside
from jifen.analytics.proofs.gains import lost_fees, points_of_points
from jifen.analytics.proofs.gaps import gaps
from jifen.analytics.proofs.groups import ambiguous, shadowed
from jifen.analytics.proofs.money import RewardRates
from jifen.analytics.proofs.overlaps import beyond_proof, multiplying, multiplying_nothing, never_true
from jifen.analytics.proofs.places import Locate, Places, without_file
from jifen.analytics.proofs.plain import plain_findings
from jifen.analytics.proofs.report import (
    CheckReport,
    Counterexample,
    FilePlace,
    Finding,
    HighestReward,
    NotProven,
    not_reached,
)
from jifen.analytics.proofs.space import Space
from jifen.analytics.proofs.tiers import unreachable_tiers
from jifen.analytics.proofs.undecided import Undecided
from jifen.analytics.proofs.worth import worths_of
from jifen.core.program import Program, ProgramDocument
from jifen.core.rules.book import CompiledRule

__all__ = [
    "CheckReport",
    "Counterexample",
    "Effort",
    "FilePlace",
    "Finding",
    "HighestReward",
    "NotProven",
    "check_program",
]

Result = Finding | NotProven
Progress = Callable[[int, int], None]
USUAL: Final = Effort()


def _no_progress(_done: int, _all: int) -> None:
    """For callers who do not watch."""


def check_program(
    document: ProgramDocument,
    *,
    effort: Effort = USUAL,
    progress: Progress = _no_progress,
    locate: Locate = without_file,
) -> CheckReport:
    """Everything that can be found out about the rules of a checked document. `effort`: what it may take; `progress` is
    told (rules done, rules in all); `locate` knows the file in which the document stands."""
    program = Program(0, document, {wallet.id: number for number, wallet in enumerate(document.wallets, start=1)})
    check = _Check(program, Asker(effort), progress, Places(program, locate))
    results = list(check.run())
    findings = [each for each in results if isinstance(each, Finding)]
    return CheckReport(findings, [each for each in results if isinstance(each, NotProven)], check.highest, check.found)


class _Check:
    """One check of a program: its parts in turn, as far as they are reached."""

    def __init__(self, program: Program, asker: Asker, progress: Progress, places: Places) -> None:
        self._program = program
        self._asker = asker
        self._progress = progress
        self._places = places
        self._spaces = [Space(program, event_type, asker) for event_type in program.books]
        #: The rules of which something was not reached, by what was asked of them.
        self._missed: dict[str, list[str]] = {}
        self.highest: str | None = None
        self.found: HighestReward | None = None

    def run(self) -> Iterator[Result]:
        """All that is found, and what was not proven or not reached."""
        beside, everything = Beside(self._program, self._asker), [each.id for each in self._all_rules()]
        yield from self._part(
            "unknown_reference, magnitude, utc_clock", everything, plain_findings(beside, self._spaces, self._places)
        )
        yield from self._part("unreachable_tier", ["tier"], unreachable_tiers(beside))
        yield from self._part("never_true", ["reward, draw, approval, campaign, tier"], never_met(beside, self._places))
        yield from self._part(
            "can_fail", ["reward, draw, approval, campaign, tier"], can_fail_beside(beside, self._places)
        )
        yield from self._part("lost_fee", ["conversion"], lost_fees(self._program, self._asker))
        worths = worths_of(self._program)
        yield from self._part(
            "gaining_loop", ["conversion, draw"], points_of_points(worths, self._program, self._asker)
        )
        done = 0
        for space, book in zip(self._spaces, self._program.books.values(), strict=True):
            names = [each.id for each in book.rules]
            anything = self._anything(space)
            for rule in book.rules:
                yield from self._part(
                    "never_true, can_fail, unknown_reference", [rule.id], self._of_rule(space, rule, anything)
                )
                done += 1
                self._progress(done, len(everything))
            yield from self._part("ambiguous", names, ambiguous(space, book.rules))
            yield from self._part("shadowed", names, shadowed(space, book.rules))
            yield from self._part("never_true", names, multiplying_nothing(space, book.rules))
            yield from self._part("multiplying_overlap", names, multiplying(space, book.rules))
            if space.is_order:
                yield from self._part("gap", names, gaps(space))
                rates = RewardRates(space, book.rules, worths)
                yield from self._part("rate_exceeded, gaining_loop", names, rates.judged())
                self.highest, self.found = rates.highest, rates.found
        yield from self._part("idle_cap", everything, idle_caps(self._program, self._spaces))
        yield from (not_reached(kinds, owners) for kinds, owners in self._missed.items())

    def _part(self, kinds: str, owners: Sequence[str], results: Iterator[Result]) -> Iterator[Result]:
        """What one part finds; `owners`: of whom it is told that they were not reached, if they are not."""
        try:
            with self._asker.part():
                yield from results
        except Exhausted:
            self._missed.setdefault(kinds, []).extend(owners)

    def _of_rule(self, space: Space, rule: CompiledRule, anything: Case) -> Iterator[Result]:
        """What is found of a rule by itself."""
        for place in self._places.of_rule(rule):
            yield from beyond_proof(place)
        never = list(never_true(space, rule, anything))
        yield from never
        yield from read_but_optional(space, rule, self._places)
        if not any(isinstance(each, Finding) for each in never):
            yield from can_fail(space, rule)

    def _anything(self, space: Space) -> Case:
        """Any event of a type."""
        try:
            return space.find([]) or ordinary_order(self._program)
        except (Undecided, Exhausted):
            return ordinary_order(self._program)

    def _all_rules(self) -> Iterator[CompiledRule]:
        return (rule for book in self._program.books.values() for rule in book.rules)
