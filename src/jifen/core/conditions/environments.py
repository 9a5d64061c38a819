"""CEL's environments for a vocabulary: `check` knows the fields of an order line, `run` takes lines as dicts.

A condition is compiled in the first and evaluated in the second. What they hold against surprises:

- No variable is of CEL's type dyn in `check`, so that no result is null: reading a null drops a reference of Python's
  None, and Python 3.11 aborts when they are used up.
- There are no functions of ours: CEL leaks the arguments of functions written in Python.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any, Final

from cel_expr_python import cel

from jifen.core.conditions.fields import LINE_FIELDS, LINE_MESSAGE, FieldType
from jifen.core.conditions.zones import provide_zones

# `has` is wrong on dotted names, `map` and `filter` take quadratic time, joined texts can double for ever, and with
# `dyn` and `type` the checker loses track of types. Only part of this can be left out: grammar.py refuses the rest.
_LANGUAGE: Final = """
stdlib:
  exclude_macros: [has, map, filter]
  exclude_functions:
    - name: dyn
    - name: type
    - name: double
    - name: uint
    - name: bytes
    - name: "_+_"
      overloads: [{id: add_string}, {id: add_bytes}, {id: add_list}, {id: add_double}, {id: add_uint64}]
"""
_FILE: Final = "jifen.proto"
_PROTOBUF_TYPES: Final = {"int": 3, "string": 9}


def check_environment(names: Mapping[str, FieldType]) -> Any:
    """The environment that compiles: lines are a type with fields, so that a misspelt field is found."""
    provide_zones()
    line = cel.Type.List(cel.Type(LINE_MESSAGE))
    variables = {name: line if each == "lines" else _plain_type(each) for name, each in names.items()}
    return _with_pool(_Pool(), variables)


def run_environment(names: Mapping[str, FieldType]) -> Any:
    """The environment that evaluates what the other compiled."""
    line = cel.Type.List(cel.Type.Map(cel.Type.STRING, cel.Type.DYN))
    variables = {name: line if each == "lines" else _plain_type(each) for name, each in names.items()}
    environment = cel.NewEnv(variables=variables)
    # Before its first compilation an environment knows no types of variables: what it deserializes then takes a text
    # for a number and refuses every instant.
    environment.compile("true")
    return environment


def _plain_type(field_type: FieldType) -> Any:
    types = {
        "bool": cel.Type.BOOL,
        "int": cel.Type.INT,
        "string": cel.Type.STRING,
        "strings": cel.Type.List(cel.Type.STRING),
        "timestamp": cel.Type.TIMESTAMP,
    }
    return types[field_type]


class _File:
    def __init__(self, serialized_pb: bytes) -> None:
        self.serialized_pb = serialized_pb


class _Pool:
    """Stands for protobuf's DescriptorPool, of which CEL calls these methods: it describes an order line."""

    def __init__(self) -> None:
        self._file = _File(line_descriptor())

    def FindFileByName(self, name: str) -> _File:
        return self._found(name, _FILE)

    def FindFileContainingSymbol(self, name: str) -> _File:
        return self._found(name, LINE_MESSAGE)

    def FindMessageTypeByName(self, name: str) -> _File:
        raise KeyError(name)

    def FindExtensionByNumber(self, *place: object) -> _File:
        raise KeyError(place)

    def _found(self, name: str, known: str) -> _File:
        if name != known:
            raise KeyError(name)
        return self._file


@cache
def line_descriptor() -> bytes:
    """A serialized google.protobuf.FileDescriptorProto with the message of an order line."""
    package, _, message = LINE_MESSAGE.rpartition(".")
    body = _text(1, message.encode())
    for number, (name, field_type) in enumerate(LINE_FIELDS.items(), 1):
        # Field 3 is its number, 4 says that it is single, 5 is its type.
        field = _text(1, name.encode()) + _number(3, number) + _number(4, 1) + _number(5, _PROTOBUF_TYPES[field_type])
        body += _text(2, field)
    return _text(1, _FILE.encode()) + _text(2, package.encode()) + _text(4, body) + _text(12, b"proto3")


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _text(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _with_pool(pool: _Pool, variables: Mapping[str, Any]) -> Any:
    """CEL aborts the process when it gets a pool and protobuf is not installed: a stand-in is there meanwhile."""
    language = cel.NewEnvConfigFromYaml(_LANGUAGE)
    names = ("google", "google.protobuf", "google.protobuf.message_factory")
    try:
        __import__(names[-1])
    except ImportError:
        made = {name: ModuleType(name) for name in names if name not in sys.modules}
        made[names[-1]].__dict__["GetMessageClass"] = lambda _: None
        sys.modules.update(made)
        try:
            return cel.NewEnv(pool, config=language, variables=variables)
        finally:
            for name in made:
                del sys.modules[name]
    return cel.NewEnv(pool, config=language, variables=variables)
