"""Who may still agree, and in which role those count who have."""

from __future__ import annotations

import msgspec
import pytest

from jifen.core.redemption.agreeing import open_roles, roles_of, with_agreement
from jifen.core.redemption.document import ApprovalStep, Delegation
from jifen.core.redemption.values import Agreement, Approval

ALL = Approval("both", (ApprovalStep(["manager", "finance"], "all"), ApprovalStep(["manager"])))


def agreed(approval: Approval, actor: str, *roles: str) -> Approval:
    """After somebody with these roles agreed to the first step."""
    return with_agreement(approval, Agreement(0, roles[0], actor, roles=roles))


def test_whoever_has_several_roles_leaves_the_one_that_others_need() -> None:
    """They counted as manager; for a second manager they count in finance."""
    first = agreed(ALL, "anna", "manager", "finance")
    assert open_roles(first) == ["manager", "finance"]
    both = agreed(first, "bert", "manager")
    assert [(each.actor, each.role) for each in both.agreements] == [("anna", "finance"), ("bert", "manager")]
    assert open_roles(both) == []


def test_one_role_is_taken_once() -> None:
    """Two managers are no manager and finance."""
    first = agreed(ALL, "bert", "manager")
    assert open_roles(first) == ["finance"]


def test_who_agreed_before_all_roles_were_kept_counts_in_the_one() -> None:
    """A redemption that waited meanwhile goes on."""
    before = msgspec.structs.replace(ALL, agreements=(Agreement(0, "manager", "anna"),))
    assert open_roles(before) == ["finance"]
    both = agreed(before, "bert", "finance")
    assert [(each.actor, each.role) for each in both.agreements] == [("anna", "manager"), ("bert", "finance")]


def test_the_step_behind_begins_anew() -> None:
    """Who agreed before counts there no more."""
    done = agreed(agreed(ALL, "bert", "manager"), "dora", "finance")
    assert open_roles(msgspec.structs.replace(done, step=1)) == ["manager"]


@pytest.mark.parametrize(
    ("held", "found"), [(["manager"], ("manager",)), (["deputy", "finance"], ("manager", "finance")), (["clerk"], ())]
)
def test_stand_ins_act_in_the_role_of_another(held: list[str], found: tuple[str, ...]) -> None:
    """In the order of the step."""
    delegated = Approval(ALL.flow, ALL.steps, delegations=(Delegation("manager", "deputy"),))
    assert roles_of(delegated, held) == found
