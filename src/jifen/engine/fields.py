"""Whether the fields of a member fit the JSON Schemas that the program gives them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from jifen.core.program import Program
from jifen.core.refusal import Refusal


def check_fields(program: Program, said: Mapping[str, Any]) -> Refusal | None:
    """Refuse the first value that does not fit its field's schema, pointing at the field."""
    schemas = {field.id: field.schema for field in program.document.fields if field.schema}
    for name, value in said.items():
        if value is None or name not in schemas:
            continue
        for error in _validator(msgspec.json.encode(schemas[name], order="sorted")).iter_errors(value):
            message = f"{name} does not fit its declaration: {error.message}."
            zh = f"{name} 不符合声明（{error.message}）。"
            return Refusal("invalid_field", message, f"/fields/{name}", message_zh=zh)
    return None


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> Any:
    return jsonschema_rs.Draft202012Validator(msgspec.json.decode(schema))
