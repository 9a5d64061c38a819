"""Proofs about a program's rules: loop-holes are found before they cost a cent.

`check_program` asks an SMT solver (z3) about the conditions as CEL checked them. What it finds is rated by the real
pipeline before it is called a finding; what it cannot decide is named, never passed over.
"""

from __future__ import annotations

from collections.abc import Callable

from jifen.analytics.proofs.absent import read_but_optional
from jifen.analytics.proofs.audiences import never_met
from jifen.analytics.proofs.caps import idle_caps
from jifen.analytics.proofs.examples import Case
from jifen.analytics.proofs.failing import can_fail
from jifen.analytics.proofs.gains import points_of_points
from jifen.analytics.proofs.gaps import gaps
from jifen.analytics.proofs.groups import ambiguous, shadowed
from jifen.analytics.proofs.money import reward_rates
from jifen.analytics.proofs.overlaps import beyond_proof, multiplying, multiplying_nothing, never_true
from jifen.analytics.proofs.places import places_of_rule
from jifen.analytics.proofs.plain import plain_findings
from jifen.analytics.proofs.report import CheckReport, Counterexample, Finding, NotProven
from jifen.analytics.proofs.space import Space
from jifen.analytics.proofs.tiers import unreachable_tiers
from jifen.analytics.proofs.undecided import Undecided
from jifen.analytics.proofs.worth import worths_of
from jifen.core.program import Program, ProgramDocument

__all__ = ["CheckReport", "Counterexample", "Finding", "NotProven", "check_program"]

Progress = Callable[[int, int], None]
TIMEOUT_MS = 2_000


def _no_progress(_done: int, _all: int) -> None:
    """For callers who do not watch."""


def check_program(
    document: ProgramDocument, *, timeout_ms: int = TIMEOUT_MS, progress: Progress = _no_progress
) -> CheckReport:
    """Everything that can be found out about the rules of a checked document. `timeout_ms`: for each question to the
    solver; `progress` is told (rules done, rules in all)."""
    program = Program(0, document, {wallet.id: number for number, wallet in enumerate(document.wallets, start=1)})
    spaces = [Space(program, event_type, timeout_ms) for event_type in program.books]
    results: list[Finding | NotProven] = [*plain_findings(program, spaces), *unreachable_tiers(program, timeout_ms)]
    results += never_met(program, timeout_ms)
    worths = worths_of(program)
    results += points_of_points(worths, program, timeout_ms)
    total = sum(len(book.rules) for book in program.books.values())
    done = 0
    highest = None
    for space, book in zip(spaces, program.books.values(), strict=True):
        anything = _anything(space)
        for rule in book.rules:
            results += [each for place in places_of_rule(rule) for each in beyond_proof(place)]
            never = list(never_true(space, rule, anything))
            results += [*never, *read_but_optional(space, rule)]
            if not any(isinstance(each, Finding) for each in never):
                results += can_fail(space, rule)
            done += 1
            progress(done, total)
        results += [*ambiguous(space, book.rules), *shadowed(space, book.rules)]
        results += [*multiplying_nothing(space, book.rules), *multiplying(space, book.rules)]
        if space.is_order:
            rates, highest = reward_rates(space, book.rules, worths)
            results += [*gaps(space), *rates]
    results += idle_caps(program, spaces)
    findings = [each for each in results if isinstance(each, Finding)]
    return CheckReport(findings, [each for each in results if isinstance(each, NotProven)], highest)


def _anything(space: Space) -> Case | None:
    try:
        return space.find([])
    except Undecided:
        return None
