"""The read operations under /v1: one table from which both the routes and the OpenAPI document are made."""

from __future__ import annotations

from jifen.api.reads import approvals, draws, imports, members, program, rewards, segments, tiers, transactions
from jifen.api.reads.base import Asked, Query, Question, Read, read_query, refuse_query

__all__ = ["COMMON_READ_CODES", "READS", "Asked", "Query", "Question", "Read", "read_query", "refuse_query"]

READS = (
    *members.READS,
    *transactions.READS,
    *program.READS,
    *tiers.READS,
    *segments.READS,
    *rewards.READS,
    *draws.READS,
    *imports.READS,
    *approvals.READS,
)

#: What any read can be refused with, whatever it asks for.
COMMON_READ_CODES = ("unauthorized", "invalid_parameter", "internal", "database_unavailable")
