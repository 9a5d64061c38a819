"""Whether the fields of a member fit the JSON Schemas that the program gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.engine.schema_words import misfit_in_words
from jifen.engine.schemas import first_misfit


def check_fields(program: Program, said: Mapping[str, Any]) -> Refusal | None:
    """Refuse the first value that does not fit its field's schema, pointing at the field."""
    for name, value in said.items():
        field = program.fields.get(name)
        if value is None or field is None or not field.schema:
            continue
        misfit = first_misfit(field.schema, value)
        if misfit is not None:
            why = misfit_in_words(misfit)
            message, zh = f"{name} does not fit its declaration: {why.en}.", f"{name} 不符合声明：{why.zh}。"
            return Refusal("invalid_field", message, f"/fields/{name}", message_zh=zh)
    return None
