"""Counter-examples are only worth something if `rules try` shows what they say."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jifen.analytics.proofs import CheckReport, Counterexample, Finding
from jifen.core.program import Program, ProgramDocument
from jifen.core.rules.facts import MemberFacts
from jifen.services.trying import Trial, try_event


def tried(document: ProgramDocument, example: Counterexample) -> Trial:
    """What the rules give for a counter-example, by the code behind `rules try`."""
    program = Program(1, document, {wallet.id: number for number, wallet in enumerate(document.wallets, start=1)})
    member = msgspec.convert(example.member, MemberFacts)
    now = msgspec.convert(example.at, datetime)
    trial = try_event(program, msgspec.json.encode(example.event), member, at=None, used=None, now=now)
    assert isinstance(trial, Trial)
    return trial


def only(report: CheckReport, kind: str) -> Finding:
    """The only finding of a kind."""
    found = [each for each in report.findings if each.kind == kind]
    assert len(found) == 1, report
    return found[0]
