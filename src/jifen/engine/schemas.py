"""The JSON Schemas (2020-12) that a program gives to events and fields. Each stands by itself: nothing is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs
import msgspec

from jifen.core.rules.document import LocalizedText
from jifen.engine.schema_words import misfit_in_words

_ELSEWHERE: Final = "elsewhere: "


def first_misfit(schema: Mapping[str, Any], value: Any) -> jsonschema_rs.ValidationError | None:
    """What is wrong first with a value; None: it fits."""
    return next(_validator(msgspec.json.encode(schema, order="sorted")).iter_errors(value), None)


def fault_of_schema(schema: Mapping[str, Any]) -> tuple[str, LocalizedText] | None:
    """Where in a JSON Schema it is wrong itself (such as `.properties.size.type`) and what; None: nothing."""
    try:
        _checker_of(dict(schema))
    except jsonschema_rs.ValidationError as error:
        _, refers_elsewhere, place = error.message.partition(_ELSEWHERE)
        if refers_elsewhere:
            return "", LocalizedText(
                zh=f"引用了别处的 {place}；不会去读取，请把所需内容写在 `$defs` 之下",
                en=f"it refers to {place}, which is never fetched; write what is meant below `$defs`",
            )
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
        return path, misfit_in_words(error)
    except ValueError:
        # Half a surrogate pair: YAML can write one, and no other text can hold it.
        return "", LocalizedText(zh="其中有不是 Unicode 的文本", en="a text in it is no Unicode")
    return None


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> jsonschema_rs.Draft202012Validator:
    return _checker_of(msgspec.json.decode(schema))


def _checker_of(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema, retriever=_refuse)


def _refuse(place: str) -> Any:
    # A program must neither reach the network or files of the server nor mean something else tomorrow.
    raise ValueError(f"{_ELSEWHERE}{place}")
