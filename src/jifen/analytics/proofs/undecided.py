"""Questions that stay open, and why, in both languages."""

from __future__ import annotations

from typing import Any, Final

#: What the solver says of why it gave up, in Chinese. The word for whatever else it says is its own.
_ZH: Final = {
    "timeout": "超时",
    "canceled": "已中止",
    "interrupted from keyboard": "被中断",
    "max. memory exceeded": "内存不足",
    "max. resource limit exceeded": "超出计算量上限",
    "(incomplete quantifiers)": "求解方法对量词不完备",
    "(incomplete (theory arithmetic))": "求解方法对算术不完备",
}


class Undecided(Exception):
    """Neither an answer nor the proof that there is none was found; `zh` and `en` say why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


def given_up_by(solver: Any) -> Undecided:
    """Why a solver that was asked last did not answer."""
    reason = str(solver.reason_unknown())
    return Undecided(_ZH.get(reason, reason), reason)
