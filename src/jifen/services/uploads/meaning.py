"""What an uploaded file is, and what its columns mean: by a mapping of the sender's, of jifen's, or a proposed one."""

from __future__ import annotations

from typing import Final

from jifen.services.imports.mapping import (
    Mapping,
    check_size,
    parse_mapping,
    shipped_mapping_text,
    shipped_mappings,
)
from jifen.services.imports.people.mapping import BalanceMapping, MemberMapping, parse_people_mapping
from jifen.services.imports.proposals import Kind

AnyMapping = MemberMapping | BalanceMapping | Mapping

#: What a mapping that came over HTTP is called in messages.
_ORIGIN: Final = "mapping"


def mapping_text(kind: Kind, said: str | None) -> str | None:
    """The YAML (or JSON) of what the sender said: the mapping itself, or for orders the name of one that ships with
    jifen. None: one is to be proposed. It is never the path of a file.

    Raises InvalidMapping.
    """
    if said is None or not said.strip():
        return None
    check_size(said.encode(), _ORIGIN)
    text = said
    if kind == "orders" and said.strip() in shipped_mappings():
        text = shipped_mapping_text(said.strip())
    read_mapping(kind, text)
    return text


def read_mapping(kind: Kind, text: str) -> AnyMapping:
    """A mapping from its text. Raises InvalidMapping with the field at fault."""
    if kind == "members":
        return parse_people_mapping(text, _ORIGIN, MemberMapping)
    if kind == "balances":
        return parse_people_mapping(text, _ORIGIN, BalanceMapping)
    return parse_mapping(text, _ORIGIN)
