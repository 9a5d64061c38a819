"""The gate before a version: a program is checked before it is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from jifen.core.counted import counted
from jifen.core.errors import JifenError
from jifen.services.programs import THE_PROGRAM, parse_program_file


class FindingsNotAccepted(JifenError):
    """A program whose check has findings is published only if somebody says why."""

    code: ClassVar[str] = "findings_not_accepted"


def accepted_findings(report: Mapping[str, Any], because: str | None, name: str) -> dict[str, Any] | None:
    """The findings of a report with the reason for publishing in spite of them, as they are kept with the version;
    None: there are none. `name`: how messages call the program.

    Raises:
        FindingsNotAccepted: there are findings, and no reason.
    """
    findings = report.get("findings", [])
    if not findings:
        return None
    if not because:
        kinds = ", ".join(sorted({each["kind"] for each in findings}))
        number = counted(len(findings), "findings")
        raise FindingsNotAccepted(
            f"The check of {name} has {number} ({kinds}): mend what it found, or accept it with a reason.",
            message_zh=f"{len(findings)} 项（{kinds}）。",
            findings=len(findings),
        )
    return {"reason": because, "findings": findings}


def report_on(text: str, name: str = THE_PROGRAM, saved_segments: Sequence[str] = ()) -> dict[str, Any]:
    """What the check of a program's file finds, as it is kept and shown: `findings` and `not_proven`. Takes seconds.
    `name`: how messages call the file.

    `saved_segments`: where there are any, rules that name another segment are found, as with those of the catalog.
    """
    # The solver takes time and memory that only who checks should pay for.
    from jifen.analytics.proofs import check_program

    document, file = parse_program_file(text, name)
    if saved_segments:
        segments = [*dict.fromkeys((*document.catalog.segments, *saved_segments))]
        document = msgspec.structs.replace(
            document, catalog=msgspec.structs.replace(document.catalog, segments=segments)
        )
    report: dict[str, Any] = msgspec.to_builtins(check_program(document, locate=file.place_in))
    return report
