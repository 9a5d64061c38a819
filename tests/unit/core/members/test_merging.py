"""Merging in the pure core: pairs of transactions that mirror each other, and terms that are kept."""

from __future__ import annotations

import msgspec

from jifen.core.decide import Context, Effects, decide
from jifen.core.ledger.values import Bucket, Kind, MemberState, MemberStatus
from jifen.core.members.commands import MergeMembers
from jifen.core.refusal import Refusal
from jifen.core.trace import decode_trace
from tests.unit.core.shop import ALICE, BOB, Shop


def merged(shop: Shop) -> Effects:
    """Bob becomes Alice."""
    context = Context(shop.now, shop.now, "test", "merge", "test")
    states = shop.shell.states
    effects = decide(shop.shell.program, MergeMembers(ALICE, BOB), context, states[ALICE], others=(states[BOB],))
    assert isinstance(effects, Effects), effects
    return effects


def test_both_sides_mirror_each_other() -> None:
    """Lot by lot, with the terms kept; the merged side is empty and says what it is."""
    shop = Shop()
    shop.earn("A1", (1, 10_000))
    shop.later(days=40)
    shop.earn("B1", (1, 20_000), member=BOB)
    effects = merged(shop)
    # The merged member's side first.
    pair = [each for each in effects.transactions if each.kind is Kind.MERGE][::-1]
    assert [each.member_id for each in pair] == [BOB, ALICE]
    assert [each.counterpart for each in pair] == [(ALICE, pair[1].sequence), (BOB, pair[0].sequence)]
    here, there = pair[0].movements[0], pair[1].movements[0]
    assert (here.target, there.source, here.amount) == (Bucket.TRANSIT, Bucket.TRANSIT, there.amount)
    assert there.terms == shop.account(BOB).lots[0].terms
    note = decode_trace(pair[1].trace).merged
    assert note is not None
    assert (note.other, note.step, note.lots[0].origin, note.lots[0].lot) == (BOB, "merge", here.lot, there.lot)
    survivor, absorbed = effects.states
    assert [account.available for account in survivor.accounts if account.wallet == there.wallet] == [300]
    assert not any(account.available or account.pending or account.debt for account in absorbed.accounts)
    assert (survivor.status, absorbed.status) == (MemberStatus.ACTIVE, MemberStatus.MERGED)
    assert (survivor.counters.orders, absorbed.counters.orders) == (2, 0)


def test_uses_of_caps_are_added() -> None:
    """Never lost: whoever was at the limit stays there."""
    shop = Shop()
    shop.earn("A1", (1, 10_000))
    shop.earn("B1", (1, 10_000), member=BOB)
    states = shop.shell.states
    for member, used in ((ALICE, {"cap": 5}), (BOB, {"cap": 7, "other": 1})):
        states[member] = msgspec.structs.replace(states[member], used=used)
    survivor, absorbed = merged(shop).states
    assert (survivor.used, absorbed.used) == ({"cap": 12, "other": 1}, {"cap": 0, "other": 0})


def test_a_frozen_member_is_not_merged() -> None:
    """Neither as the survivor nor as the other."""
    shop = Shop()
    frozen = msgspec.structs.replace(shop.shell.states[BOB], status=MemberStatus.FROZEN)
    context = Context(shop.now, shop.now, "test", "merge", "test")

    def ask(first: MemberState, second: MemberState) -> str:
        command = MergeMembers(first.member_id, second.member_id)
        outcome = decide(shop.shell.program, command, context, first, others=(second,))
        assert isinstance(outcome, Refusal)
        return outcome.code

    assert ask(shop.shell.states[ALICE], frozen) == "member_frozen"
    assert ask(frozen, shop.shell.states[ALICE]) == "member_frozen"
