"""The gate before a version: a program is checked before it is published."""

from __future__ import annotations

from typing import Any

import msgspec

from jifen.core.program import ProgramDocument


def report_on(document: ProgramDocument) -> dict[str, Any]:
    """What the check of a program finds, as it is kept and shown: `findings` and `not_proven`. Takes seconds."""
    # The solver takes time and memory that only who checks should pay for.
    from jifen.analytics.proofs import check_program

    report: dict[str, Any] = msgspec.to_builtins(check_program(document))
    return report
