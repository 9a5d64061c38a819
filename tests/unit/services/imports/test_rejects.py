"""Why a line was not taken, in both languages."""

from __future__ import annotations

from jifen.core.refusal import Refusal
from jifen.services.imports.rejects import Reject, Rejects, refused_by_ledger


def test_what_the_ledger_refused_is_told_in_both_languages() -> None:
    """As the refusal has it, and still so when it was kept meanwhile."""
    refusal = Refusal("invalid_field", "size must be one of S, L.", "/fields/size", message_zh="size 只能是 S、L。")
    rejects = Rejects()
    rejects.add(refused_by_ledger(7, refusal, "/fields/size"))
    rejects.add(Reject(3, "phone", "missing_identity"))
    first, second = rejects.by_line()
    rejects.close()
    assert (first.line, second.line, second.field, second.code) == (3, 7, "/fields/size", "invalid_field")
    chinese, english = second.reasons()
    assert english == "refused by the ledger: size must be one of S, L."
    assert chinese.startswith("账本拒绝：") and "size 只能是 S、L。" in chinese and "one of" not in chinese
