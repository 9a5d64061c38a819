"""The data of events beyond orders: what is known of the built-in types, and what operators declare in the program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from jifen.core.integers import is_integer, no_integer
from jifen.core.limits import MAXIMUM_TEXT
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.rules.document import EventType
from jifen.core.rules.facts import BUILT_IN_EVENTS, EMPTY_VALUES, data_names
from jifen.engine.schema_words import misfit_in_words
from jifen.engine.schemas import first_misfit
from jifen.services.json_input import escape_pointer
from jifen.services.persons import whole_numbers

#: As JSON. What is longer belongs into the system the event comes from.
MAXIMUM_DATA_BYTES = 16_384
_KINDS = {"bool": bool, "string": str}
_KINDS_ZH = {"bool": "真假值", "string": f"不超过 {MAXIMUM_TEXT} 个字符的文本"}


def check_data(event_type: str, data: Mapping[str, Any], program: Program | None) -> dict[str, Any] | Refusal:
    """The data of an event, complete and of the right types; or why not. Pointers are below `/data`."""
    if len(msgspec.json.encode(data)) > MAXIMUM_DATA_BYTES:
        return Refusal("data_too_large", f"The data of an event may have {MAXIMUM_DATA_BYTES} bytes at most.", "/data")
    if event_type in BUILT_IN_EVENTS:
        return _check_built_in(event_type, data)
    declared = {} if program is None else {each.type: each for each in program.document.events}
    if event_type not in declared:
        return unknown_event_type(program)
    return _check_declared(declared[event_type], data)


def unknown_event_type(program: Program | None) -> Refusal:
    """There is no such type, also not in the program."""
    declared = [] if program is None else [each.type for each in program.document.events]
    known = sorted(["order.completed", "order.corrected", "order.refunded", *BUILT_IN_EVENTS, *declared])
    message = f"There is no such type of event; known are {', '.join(known)}."
    return Refusal("unknown_event_type", message, "/type", message_zh=f"可用的：{'、'.join(known)}。")


def _check_built_in(event_type: str, data: Mapping[str, Any]) -> dict[str, Any] | Refusal:
    fields = BUILT_IN_EVENTS[event_type]
    read = whole_numbers(data)
    for name, value in read.items():
        if name not in fields:
            message = f"{event_type} has no field {name!r}; known are {', '.join(fields) or 'none'}."
            zh = f"{name}；{event_type} 的字段：{'、'.join(fields) or '无'}。"
            return Refusal("unknown_field", message, f"/data/{escape_pointer(name)}", message_zh=zh)
        if fields[name] == "int":
            if not is_integer(value):
                return no_integer(name, f"/data/{escape_pointer(name)}")
        elif type(value) is not _KINDS[fields[name]] or (isinstance(value, str) and len(value) > MAXIMUM_TEXT):
            message, zh = f"{name} must be of type {fields[name]}.", f"{name} 须为{_KINDS_ZH[fields[name]]}。"
            return Refusal("invalid_field", message, f"/data/{escape_pointer(name)}", message_zh=zh)
    return {name: read.get(name, EMPTY_VALUES[kind]) for name, kind in fields.items()}


def _check_declared(declared: EventType, data: Mapping[str, Any]) -> dict[str, Any] | Refusal:
    misfit = first_misfit(declared.schema, dict(data))
    if misfit is not None:
        pointer = "".join(f"/{step}" for step in misfit.instance_path)
        said = misfit_in_words(misfit)
        message, zh = f"The data does not fit its declaration: {said.en}.", f"数据不符合声明：{said.zh}。"
        return Refusal("invalid_field", message, f"/data{pointer}", message_zh=zh)
    integers = {name: data[name] for name, kind in data_names(declared).items() if kind == "int" and name in data}
    # To JSON Schema 30.0 is an integer, and so it is to conditions.
    read = whole_numbers(integers)
    wrong = next((name for name, value in read.items() if not is_integer(value)), None)
    return {**data, **read} if wrong is None else no_integer(wrong, f"/data/{escape_pointer(wrong)}")
