"""The table of the states of a redemption."""

from __future__ import annotations

from typing import get_args

from jifen.core.redemption.machine import FINAL, HELD, TRANSITIONS, UNDONE, State, Step, next_state, steps_from

STATES: tuple[State, ...] = get_args(State)
STEPS: tuple[Step, ...] = get_args(Step)


def test_every_state_is_reached_and_only_final_ones_are_left_by_nothing() -> None:
    """From `held`; a written-off coupon is left by cancelling the write-off alone."""
    reached: set[State] = {"held"}
    border = set(reached)
    while border:
        border = {after for (before, _), after in TRANSITIONS.items() if before in border} - reached
        reached |= border
    assert reached == set(STATES)
    assert {state for state in STATES if not steps_from(state)} == FINAL
    assert steps_from("written_off") == ["cancel_write_off"]


def test_nothing_that_is_spent_is_held_again() -> None:
    """Points go from held to spent or back, and only cancelling or returning gives spent ones back."""
    for (before, step), after in TRANSITIONS.items():
        if before not in HELD:
            assert after not in HELD, (before, step)
        if after in UNDONE:
            assert before in HELD or (before, step) == ("approved", "cancel")


def test_what_is_not_in_the_table_is_not_allowed() -> None:
    """Every pair is either in it or refused."""
    allowed = {(state, step) for state in STATES for step in STEPS if next_state(state, step) is not None}
    assert allowed == set(TRANSITIONS)
