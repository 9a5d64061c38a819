"""Cursors of pages: what a caller sends back to go on."""

from __future__ import annotations

from jifen.core.refusal import Refusal


def no_cursor() -> Refusal:
    """What was sent is none that a page gave."""
    message, zh = "This is no cursor of a page; leave it out.", "这不是分页应答给出的游标；请省略。"
    return Refusal("invalid_parameter", message, None, {"parameter": "cursor"}, zh)
