"""What text from outside may contain."""

from __future__ import annotations


def unfit_text(text: str) -> str | None:
    """Why this text cannot be stored, or None: NUL and other control characters, or half of a surrogate pair."""
    if text.isprintable():
        return None
    for character in text:
        code = ord(character)
        if 0xD800 <= code <= 0xDFFF:
            return "half of a surrogate pair"
        if (code < 0x20 and character not in "\t\n\r") or code == 0x7F:
            return f"the control character U+{code:04X}"
    return None
