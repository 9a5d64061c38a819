"""Who may still agree to a step of an approval, and in which role each of those counts who have."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from jifen.core.redemption.values import Agreement, Approval


def roles_of(approval: Approval, held: Collection[str]) -> tuple[str, ...]:
    """The roles of the present step in which somebody with these roles may act, for themselves or as a stand-in."""
    stand_ins = {each.role for each in approval.delegations if each.to in held}
    return tuple(role for role in approval.steps[approval.step].roles if role in held or role in stand_ins)


def open_roles(approval: Approval) -> list[str]:
    """The roles of the present step in which one more may agree. Whoever agreed and has several roles counts in
    whichever leaves the most to others."""
    roles, agreed = approval.steps[approval.step].roles, _agreed(approval)
    if not agreed:
        return list(roles)
    return [role for role in roles if _assigned(agreed, [other for other in roles if other != role]) is not None]


def with_agreement(approval: Approval, agreement: Agreement) -> Approval:
    """After one more agreed, each in a role of their own."""
    agreements = (*approval.agreements, agreement)
    roles, agreed = approval.steps[approval.step].roles, [*_agreed(approval), agreement.roles]
    assigned = _assigned(agreed, roles)
    if assigned is not None:
        earlier = len(agreements) - len(agreed)
        counted = [
            msgspec.structs.replace(each, role=role) for each, role in zip(agreements[earlier:], assigned, strict=True)
        ]
        agreements = (*agreements[:earlier], *counted)
    return msgspec.structs.replace(approval, agreements=agreements)


def _agreed(approval: Approval) -> list[Sequence[str]]:
    # Of whoever agreed before all roles were kept, the one is known.
    return [each.roles or (each.role,) for each in approval.agreements if each.step == approval.step]


def _assigned(people: Sequence[Sequence[str]], roles: Collection[str]) -> list[str] | None:
    """A role for each of these people, out of those that each has; None where there are not enough. (Augmenting paths,
    Kuhn 1955.)"""
    taken: dict[str, int] = {}

    def find(person: int, seen: set[str]) -> bool:
        for role in people[person]:
            if role in roles and role not in seen:
                seen.add(role)
                if role not in taken or find(taken[role], seen):
                    taken[role] = person
                    return True
        return False

    if not all(find(person, set()) for person in range(len(people))):
        return None
    role_of = {person: role for role, person in taken.items()}
    return [role_of[person] for person in range(len(people))]
