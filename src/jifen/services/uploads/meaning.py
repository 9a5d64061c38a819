"""What an uploaded file is, and what its columns mean: by a mapping of the sender's, of jifen's, or a proposed one."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final, Literal

from jifen.core.errors import JifenError
from jifen.services.imports.mapping import (
    MAXIMUM_MAPPING_BYTES,
    InvalidMapping,
    Mapping,
    parse_mapping,
    shipped_mapping_text,
    shipped_mappings,
)
from jifen.services.imports.people.inferring import infer_balance_mapping, infer_member_mapping
from jifen.services.imports.people.mapping import BalanceMapping, MemberMapping, parse_people_mapping

Kind = Literal["members", "orders", "balances"]
AnyMapping = MemberMapping | BalanceMapping | Mapping

#: What a mapping that came over HTTP is called in messages.
_ORIGIN: Final = "mapping"


class MappingNeeded(JifenError):
    """Of orders no mapping is proposed: money and returns are not told from a header."""

    code: ClassVar[str] = "mapping_needed"


def mapping_text(kind: Kind, said: str | None) -> str | None:
    """The YAML (or JSON) of what the sender said: the mapping itself, or for orders the name of one that ships with
    jifen. None: one is to be proposed. It is never the path of a file.

    Raises:
        MappingNeeded, InvalidMapping.
    """
    if said is None or not said.strip():
        if kind == "orders":
            names = ", ".join(shipped_mappings())
            raise MappingNeeded(f"Send what the columns of the orders mean: {names}, or a mapping of yours.")
        return None
    if len(said.encode()) > MAXIMUM_MAPPING_BYTES:
        raise InvalidMapping(f"A mapping has {MAXIMUM_MAPPING_BYTES} bytes at most.")
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


def propose_mapping(kind: Kind, file: Path) -> str:
    """A mapping from the header of a file. Its source does not depend on what the file is called: saved anew under
    another name, the same balances are booked once. Raises UnreadableFile."""
    infer = infer_member_mapping if kind == "members" else infer_balance_mapping
    return infer(file, f"import:{kind}")
