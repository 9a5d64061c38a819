"""The life of a redemption, as one table: which step leads from which state to which.

Code, documents and tests read this table; nothing else decides whether a step is allowed.
"""

from __future__ import annotations

from typing import Final, Literal

State = Literal[
    "held",
    "waiting_for_payment",
    "waiting_for_approval",
    "approved",
    "fulfilled",
    "written_off",
    "returned",
    "rejected",
    "cancelled",
    "expired",
]
Step = Literal[
    "ask_payment",
    "ask_approval",
    "pass",
    "pay",
    "agree",
    "approve",
    "reject",
    "cancel",
    "expire",
    "fulfil",
    "use",
    "write_off",
    "cancel_write_off",
    "return",
]

#: What becomes of points that a redemption has bound or spent.
Move = Literal["spend", "release", "return"]

#: `held` is where every redemption begins and where none rests: within the same transaction it waits for payment or
#: approval, or passes. A step that is not here is refused.
TRANSITIONS: Final[dict[tuple[State, Step], State]] = {
    ("held", "ask_payment"): "waiting_for_payment",
    ("held", "ask_approval"): "waiting_for_approval",
    ("held", "pass"): "approved",
    ("waiting_for_payment", "pay"): "held",
    ("waiting_for_payment", "cancel"): "cancelled",
    ("waiting_for_payment", "expire"): "expired",
    ("waiting_for_approval", "agree"): "waiting_for_approval",
    ("waiting_for_approval", "approve"): "approved",
    ("waiting_for_approval", "reject"): "rejected",
    ("waiting_for_approval", "cancel"): "cancelled",
    ("waiting_for_approval", "expire"): "expired",
    ("approved", "fulfil"): "fulfilled",
    ("approved", "use"): "approved",
    ("approved", "write_off"): "written_off",
    ("approved", "cancel_write_off"): "approved",
    ("approved", "cancel"): "cancelled",
    ("written_off", "cancel_write_off"): "approved",
    ("fulfilled", "return"): "returned",
}
#: From here nothing leads on.
FINAL: Final[frozenset[State]] = frozenset({"returned", "rejected", "cancelled", "expired"})
#: Points are bound and not spent yet.
HELD: Final[frozenset[State]] = frozenset({"held", "waiting_for_payment", "waiting_for_approval"})
#: The redemption came to nothing: what it used of limits is counted back.
UNDONE: Final[frozenset[State]] = frozenset({"rejected", "cancelled", "expired"})


def next_state(state: State, step: Step) -> State | None:
    """Where a step leads; None: it is not allowed here."""
    return TRANSITIONS.get((state, step))


def steps_from(state: State) -> list[Step]:
    """The steps that are allowed in a state."""
    return [step for before, step in TRANSITIONS if before == state]
