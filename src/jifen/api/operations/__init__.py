"""The write operations under /v1: one table from which both the dispatch and the OpenAPI document are made."""

from __future__ import annotations

from jifen.api.operations import draws, households, ledger, members, people, redemptions, tiers, wallets
from jifen.api.operations.base import Operation

__all__ = ["COMMON_CODES", "EVENTS_PATH", "EVENT_CODES", "OPERATIONS", "Operation"]

EVENTS_PATH = "/v1/events"

OPERATIONS = (
    *members.OPERATIONS,
    *people.OPERATIONS,
    *households.OPERATIONS,
    *ledger.OPERATIONS,
    *tiers.OPERATIONS,
    *redemptions.OPERATIONS,
    *wallets.OPERATIONS,
    *draws.OPERATIONS,
)

#: What any write can be refused with, whatever it does.
COMMON_CODES = (
    "malformed_json",
    "unauthorized",
    "body_too_large",
    "unsupported_media_type",
    "invalid_field",
    "missing_field",
    "unknown_field",
    "invalid_text",
    "invalid_parameter",
    "invalid_idempotency_key",
    "key_conflict",
    "internal",
    "no_program",
    "queue_full",
    "stopping",
    "database_unavailable",
)
#: What an event can be refused with beside these.
EVENT_CODES = (
    "too_many_events",
    "unknown_event_type",
    "data_too_large",
    "correction_conflict",
    "corrected_below_returned",
    "reserved_source",
    "invalid_identity",
    "unknown_member",
    "unknown_order",
    "unknown_line",
    "duplicate_line",
    "currency_mismatch",
    "order_of_other_member",
    "order_conflict",
    "refund_conflict",
    "returned_too_much",
    "already_refunded",
    "points_already_spent",
    "unknown_hold",
    "hold_of_other_member",
    "hold_closed",
    "hold_exceeded",
    "offset_not_allowed",
    "offset_mismatch",
    "offset_too_large",
    "not_a_whole_step",
    "identity_taken",
    "member_frozen",
    "member_closed",
    "member_anonymised",
    "member_merged",
    "amount_too_large",
    "balance_too_large",
    "instant_in_future",
    "instant_too_early",
    "instant_too_far",
)
