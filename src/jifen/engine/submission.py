"""What is handed to the engine, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

import msgspec

from jifen.core.commands import Command, CorrectOrder, RecordOrder, RefundOrder
from jifen.core.decide import Context
from jifen.core.ledger.values import Kind, Transaction
from jifen.core.redemption.commands import PayRedemption, RedeemReward
from jifen.core.refusal import Refusal
from jifen.core.tiers.commands import GrantTier
from jifen.core.trace import Trace
from jifen.core.wallets.approvals import Approval

#: Key and payload digests are cut to these many bytes of SHA-256.
KEY_BYTES = 16
PAYLOAD_BYTES = 8


def digest_key(namespace: str, source: str, key: str) -> bytes:
    """The digest under which a key is kept. No part may contain NUL (texts from outside are checked for it)."""
    return sha256(f"{namespace}\0{source}\0{key}".encode()).digest()[:KEY_BYTES]


def digest_payload(payload: bytes) -> bytes:
    """The digest that tells a repetition from another command under the same key."""
    return sha256(payload).digest()[:PAYLOAD_BYTES]


def digest_order(order_id: str) -> bytes:
    """The digest under which a completed order is found again, whichever event brought it."""
    return digest_key("order", "", order_id)


def digest_refund(order_id: str, refund_id: str) -> bytes:
    """The digest under which a refund of an order is found again, whichever event brought it."""
    return digest_key("refund", "", f"{order_id}\0{refund_id}")


def payment_named(command: Command) -> str | None:
    """The payment that a command counts, by what the shop calls it."""
    if isinstance(command, PayRedemption):
        return command.payment
    return command.payment_reference if isinstance(command, GrantTier) else None


class Submission(msgspec.Struct, frozen=True, gc=False):
    """A command on its way into the ledger, with what makes it unique for ever.

    `payload` is the canonical form of everything the caller said: the same source and key with another payload is
    refused. `occurred_at` None: when it is recorded. `roles`: what the actor may approve. `time` commands (settling)
    are repeatable and have no key. Commands of one `line` are done in the order in which they come.
    """

    command: Command
    source: str
    key: str
    payload: bytes
    actor: str
    occurred_at: datetime | None = None
    reason: str | None = None
    has_key: bool = True
    roles: tuple[str, ...] = ()
    line: str = ""

    def keys(self) -> list[tuple[bytes, bytes]]:
        """The (key digest, payload digest) pairs that this command claims, its own first.

        An order, a refund and a correction also claim what they are called in the shop: the same order told twice by
        different events is still one order. A redemption claims the quote that it was made with, so that no other is;
        a paid tier and the money part of a redemption their payment, so that it counts once.
        """
        if not self.has_key:
            return []
        keys = [(digest_key("key", self.source, self.key), digest_payload(self.payload))]
        command = self.command
        if isinstance(command, RecordOrder):
            keys.append((digest_order(command.order.order_id), digest_payload(msgspec.json.encode(command.order))))
        elif isinstance(command, CorrectOrder):
            correction = command.correction
            name = f"{correction.order_id}\0{correction.correction_id}"
            keys.append((digest_key("correction", "", name), digest_payload(msgspec.json.encode(correction))))
        elif isinstance(command, RefundOrder):
            refund = command.refund
            digest = digest_refund(refund.order_id, refund.refund_id)
            keys.append((digest, digest_payload(msgspec.json.encode(refund))))
        elif isinstance(command, RedeemReward) and command.quote is not None:
            keys.append((digest_key("quote", "", command.quote.nonce), digest_payload(keys[0][0])))
        elif (payment := payment_named(command)) is not None:
            keys.append((digest_key("payment", "", payment), digest_payload(keys[0][0])))
        return keys


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What was done. `duplicate`: it had been done before, and this is that first answer again.

    `sequence` 0 stands for a registration, which moves no points and has no trace. `settled`: how many transactions
    settling a member booked, up to `sequence`.
    """

    member_id: int
    sequence: int
    duplicate: bool
    trace: Trace | None = None
    kind: Kind | None = None
    program_version: int | None = None
    occurred_at: datetime | None = None
    recorded_at: datetime | None = None
    counterpart: tuple[int, int] | None = None
    refers_to: int | None = None
    settled: int = 0


Outcome = Answer | Refusal


def context_of(
    submission: Submission, now: datetime, approval: Approval | None = None, names: Mapping[str, str] = {}
) -> Context:
    """Where a command comes from, for its decision. `approval`: the request that is done with it; `names`: what the
    keys of actors are called."""
    return Context(
        now,
        submission.occurred_at or now,
        submission.source,
        submission.key,
        submission.actor,
        submission.reason,
        None if approval is None else approval.approval_id,
        None if approval is None else approval.asked_by,
        submission.roles,
        names,
    )


def answer_of(transaction: Transaction, trace: Trace | None) -> Answer:
    """The answer to a command that a transaction answers."""
    return Answer(
        transaction.member_id,
        transaction.sequence,
        False,
        trace,
        transaction.kind,
        transaction.program_version,
        transaction.occurred_at,
        transaction.recorded_at,
        transaction.counterpart,
        transaction.refers_to,
    )
