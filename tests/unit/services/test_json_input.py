"""JSON from outside: what is refused, and which field the pointer names."""

from __future__ import annotations

import json
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from jifen.core.refusal import Refusal
from jifen.core.text import unfit_text
from jifen.services.json_input import escape_pointer, read_json, unfit_text_in


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    """Something inside of something."""

    count: Annotated[int, Meta(ge=0)]


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    """Something with something inside."""

    name: str = ""
    inner: list[Inner] = []
    counts: dict[str, Annotated[int, Meta(ge=0)]] = {}


DECODER = msgspec.json.Decoder(Outer)


@pytest.mark.parametrize(
    ("text", "code", "pointer"),
    [
        ('{"inner": [{"count": 1}, {"count": -1}]}', "invalid_field", "/inner/1/count"),
        ('{"inner": [{"count": 1.5}]}', "invalid_field", "/inner/0/count"),
        ('{"inner": [{}]}', "missing_field", "/inner/0/count"),
        ('{"inner": [{"count": 1, "x": 1}]}', "unknown_field", "/inner/0/x"),
        ('{"a~/b": 1}', "unknown_field", "/a~0~1b"),
        ("[]", "invalid_field", ""),
        ('{"counts": {"a": -1}}', "invalid_field", "/counts"),
        ('{"name": "a\\u0001"}', "invalid_text", "/name"),
        ('{"name": "\\udc00"}', "invalid_text", "/name"),
        ('{"a\\u0000": 1}', "invalid_text", ""),
        ('{"name": ', "malformed_json", None),
        # What does not fit stands before the end that is missing.
        ('{"x":', "malformed_json", None),
        ('{"inner": [{"count": "a"', "malformed_json", None),
        ('{"inner": ' + "[" * 5000, "invalid_field", "/inner/0"),
        ("nul", "malformed_json", None),
    ],
)
def test_what_is_wrong_is_named(text: str, code: str, pointer: str | None) -> None:
    """By code and by JSON pointer."""
    refusal = read_json(DECODER, text.encode())
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.pointer) == (code, pointer)


def test_deep_nesting_is_refused_not_fatal() -> None:
    """In a part that is skipped, too."""
    loose = msgspec.json.Decoder(Inner | None)
    deep = b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    for decoder in (loose, msgspec.json.Decoder()):
        assert isinstance(read_json(decoder, deep), Refusal)


def test_long_names_are_cut_in_messages() -> None:
    """A message never becomes as long as what was sent."""
    refusal = read_json(DECODER, json.dumps({"x" * 100_000: 1}).encode())
    assert isinstance(refusal, Refusal)
    assert len(refusal.message) < 400
    assert len(refusal.pointer or "") < 400


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_the_quick_look_finds_what_the_slow_one_finds(text: str) -> None:
    """However the text is escaped, it is refused exactly if it cannot be stored."""
    documents = [json.dumps({"name": text}).encode()]
    documents.append(json.dumps({"name": text}, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    for document in documents:
        refusal = unfit_text_in(document)
        # A pair of halves is one whole character once it is read.
        whole = json.loads(document.decode("utf-8", "surrogatepass"))["name"]
        assert (refusal is not None) == (unfit_text(whole) is not None)


def test_pointer_escapes() -> None:
    """As RFC 6901 says: ~ first."""
    assert escape_pointer("~/") == "~0~1"
