"""Seals: texts that anybody may carry, and that only jifen can have written."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

_MAC_BYTES = 16
_LONGEST = 1_000


def seal(content: bytes, secret: bytes, purpose: bytes) -> str:
    """The content as a text that nobody makes or changes without the secret (HMAC-SHA256, RFC 2104, cut to 128 bits),
    and that is good for one purpose only."""
    return urlsafe_b64encode(_mac(content, secret, purpose) + content).decode().rstrip("=")


def unseal(text: str, secret: bytes, purpose: bytes) -> bytes | None:
    """The content of a sealed text; None: it is no seal of ours for this purpose."""
    if len(text) > _LONGEST or not text.isascii() or not secret:
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    mac, content = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    return content if hmac.compare_digest(mac, _mac(content, secret, purpose)) else None


def _mac(content: bytes, secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, purpose + b"\0" + content, sha256)[:_MAC_BYTES]
