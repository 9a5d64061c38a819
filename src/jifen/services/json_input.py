"""JSON from outside, typed: what was said, or a refusal that names the field at fault by a JSON pointer (RFC 6901)."""

from __future__ import annotations

import json
import re
from typing import Protocol, TypeVar

import msgspec

from jifen.core.refusal import Refusal
from jifen.core.text import unfit_text
from jifen.services.json_faults import fault_of_json
from jifen.services.misfits import misfit_in_chinese

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

SHOWN_CHARACTERS = 200
NESTED_TOO_DEEPLY = Refusal("malformed_json", "The JSON is nested too deeply.", message_zh="JSON 嵌套过深。")
#: What might put a control character or half of a surrogate pair into a text. Rare, so only then is the text searched.
_SUSPICIOUS = re.compile(rb"\\u(?:00[01]|007[fF]|[dD][89a-fA-F])|\\[bf]|\x7f|\xed[\xa0-\xbf]")
_AT = re.compile(r"^(.*?)(?: - at `(?:key in )?(.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_FIELD = re.compile(r"^Object (missing required|contains unknown) field `(.*)`$", re.DOTALL)


class Decoder(Protocol[T_co]):
    """A msgspec decoder of one type."""

    def decode(self, data: bytes | msgspec.Raw) -> T_co:
        """The value, or an error of msgspec's."""


_ANY: Decoder[object] = msgspec.json.Decoder()


def read_json(decoder: Decoder[T], raw: bytes) -> T | Refusal:
    """Read JSON into a type. Refuses malformed JSON, values that do not fit and text that cannot be stored."""
    try:
        value = decoder.decode(raw)
    except msgspec.ValidationError as error:
        # What does not fit is found before the end is seen: a text that breaks off may be no JSON at all.
        return unfit_text_in(raw) or _fault_of_any(raw) or invalid_value(error)
    except RecursionError:
        return NESTED_TOO_DEEPLY
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return unfit_text_in(raw) or not_json(raw, error)
    return unfit_text_in(raw) or value


def _fault_of_any(raw: bytes) -> Refusal | None:
    """Why this is no JSON, whatever it should hold; None: it is, or it is nested too deeply to tell."""
    found = read_json(_ANY, raw)
    return found if isinstance(found, Refusal) and found is not NESTED_TOO_DEEPLY else None


def not_json(raw: bytes, error: Exception) -> Refusal:
    """Refuse what is no JSON, with the place and the reason."""
    line, column, (zh, en) = fault_of_json(raw, str(error))
    return Refusal(
        "malformed_json",
        f"This is not JSON: line {line}, column {column}: {en}.",
        details={"line": line, "column": column},
        message_zh=f"第 {line} 行第 {column} 列：{zh}。",
    )


def invalid_value(error: msgspec.ValidationError, prefix: str = "") -> Refusal:
    """Say with a JSON pointer what msgspec says with a path. `prefix` is the pointer of what was decoded."""
    found = _AT.match(str(error))
    assert found is not None
    # Which key of a map is at fault, msgspec does not say (`$.fields[...]`): then the pointer names the map.
    what, path = found.group(1), (found.group(2) or "$").partition("[...]")[0]
    pointer = prefix + "".join("/" + (name or index) for name, index in _STEP.findall(path))
    field = _FIELD.match(what)
    if field is None:
        what = _shorten(what)
        return Refusal("invalid_field", f"{what}.", pointer, message_zh=f"{misfit_in_chinese(what)}。")
    name = _shorten(field.group(2))
    pointer = f"{pointer}/{escape_pointer(name)}"
    if field.group(1) == "missing required":
        return Refusal("missing_field", f"The field {name!r} is missing.", pointer, message_zh=f"{name}。")
    message = f"There is no field {name!r} here; check its spelling or leave it out."
    return Refusal("unknown_field", message, pointer, message_zh=f"{name}；请检查拼写，或去掉它。")


def escape_pointer(name: str) -> str:
    """A member name as a part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def unfit_text_in(raw: bytes) -> Refusal | None:
    """Refuse control characters and halves of surrogate pairs anywhere in a JSON text, also in names."""
    # Most texts have none of these bytes, which is quicker to see than what the pattern says.
    if b"\\" not in raw and b"\x7f" not in raw and b"\xed" not in raw:
        return None
    if _SUSPICIOUS.search(raw) is None:
        return None
    try:
        # Python's own reader keeps halves of surrogate pairs, so that the place can be named.
        value = json.loads(raw.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None  # not JSON at all: whoever decodes it says so
    return _search(value)


def _search(root: object) -> Refusal | None:
    waiting: list[tuple[str, object]] = [("", root)]
    while waiting:
        pointer, value = waiting.pop()
        if isinstance(value, str):
            if reason := unfit_text(value):
                return _unfit(f"The text contains {reason}, which cannot be stored.", pointer)
        elif isinstance(value, list):
            waiting += [(f"{pointer}/{index}", item) for index, item in enumerate(value)]
        elif isinstance(value, dict):
            for name, item in value.items():
                if reason := unfit_text(name):
                    return _unfit(f"The name of a field contains {reason}.", pointer)
                waiting.append((f"{pointer}/{escape_pointer(name)}", item))
    return None


def _unfit(message: str, pointer: str) -> Refusal:
    return Refusal("invalid_text", message, pointer, message_zh="含有控制字符，或半个代理对。")


def _shorten(text: str) -> str:
    """What is quoted from outside, cut to a length that fits into a message and made printable."""
    cut = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
    return cut if cut.isprintable() else cut.encode("ascii", "backslashreplace").decode()
