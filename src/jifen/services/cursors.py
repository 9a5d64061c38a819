"""Cursors: where a page ended, in a form that is ours alone. What is in them, each kind of page says itself."""

from __future__ import annotations

import base64
import binascii

from jifen.core.refusal import Refusal


def write_cursor(content: bytes) -> str:
    """A cursor with this content, as it can stand in an address."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def read_cursor(cursor: str) -> bytes:
    """The content of a cursor; empty where it is none."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def no_cursor() -> Refusal:
    """What was sent is none that a page gave."""
    message, zh = "This is no cursor of a page; leave it out.", "这不是分页应答给出的游标；请省略。"
    return Refusal("invalid_parameter", message, None, {"parameter": "cursor"}, zh)
