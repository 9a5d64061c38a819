"""What a program is where its file does not say it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, get_args

import msgspec

from jifen.core.program import ProgramDocument

#: The ids of things in a path such as `$.tier_sets[id=level].period.months`.
_IDS: Final = re.compile(r"\[[^]]*\]")


def default_of(path: str) -> Any:
    """The default of a field, by its path: a plain value, or a structure with everything that is in it; None: there is
    none, or it is empty."""
    kinds: tuple[type[msgspec.Struct], ...] = (ProgramDocument,)
    found: msgspec.structs.FieldInfo | None = None
    for name in _IDS.sub("", path).split(".")[1:]:
        fields = {field.encode_name: field for kind in kinds for field in msgspec.structs.fields(kind)}
        found = fields.get(name)
        kinds = () if found is None else tuple(_structures_in(found.type))
    return None if found is None else _default(found)


def without_empty(value: Any) -> Any:
    """Plain data without what is empty: null, lists and structures with nothing in them."""
    if isinstance(value, dict):
        found = {name: without_empty(each) for name, each in value.items()}
        return {name: each for name, each in found.items() if each is not None and each not in ([], {})}
    return [without_empty(each) for each in value] if isinstance(value, list) else value


def _default(field: msgspec.structs.FieldInfo) -> Any:
    value = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    plain = None if value is msgspec.NODEFAULT else without_empty(_whole(value))
    return None if plain in ("", [], {}) else plain


def _whole(value: Any) -> Any:
    """A value as plain data, with what a file would leave out."""
    if not isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value)
    config = value.__struct_config__
    tag = {} if config.tag_field is None else {config.tag_field: config.tag}
    fields = msgspec.structs.fields(value)
    return tag | {field.encode_name: _whole(getattr(value, field.name)) for field in fields}


def _structures_in(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """The structures that a field can hold, alone or in a list."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for part in get_args(kind):
        yield from _structures_in(part)
