"""Who may call: the one place that decides it."""

from __future__ import annotations

from typing import Final

from jifen.core.refusal import Refusal
from jifen.services.keys import KeyRing

_MISSING = Refusal("unauthorized", "Send an API key: `Authorization: Bearer jf_...` (`jifen keys create` makes one).")
_UNKNOWN = Refusal("unauthorized", "This API key is not known or was revoked.")


#: The role of keys for which nobody has to do the work of a captcha: those of tills and of the back office.
WITHOUT_CAPTCHA: Final = "without-captcha"


class Authorization:
    """Checks the API key of a request. A key may do everything; finer rights will be decided here."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def actor(self, header: bytes | None) -> str | None:
        """Who calls, as transactions record it; None where only the database can tell."""
        if header is None or header[:7].lower() != b"bearer ":
            return None
        key_id = self._keys.find(header[7:].strip())
        return None if key_id is None else f"key:{key_id}"

    def roles(self, actor: str) -> tuple[str, ...]:
        """The roles of an actor: what it may approve, and whether it needs captchas."""
        return self._keys.roles_of(actor.removeprefix("key:"))

    async def actor_or_refusal(self, header: bytes | None) -> str | Refusal:
        """Who calls, with a look into the database for a key that was made a moment ago."""
        if header is None or header[:7].lower() != b"bearer ":
            return _MISSING
        key_id = await self._keys.find_fresh(header[7:].strip())
        return _UNKNOWN if key_id is None else f"key:{key_id}"
