"""Whether what is told of a program file is told in Chinese as well."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Final

_CHINESE: Final = re.compile("[\u4e00-\u9fff]")
#: What makes the errors of checks, and the number and name of the argument that is Chinese.
_MAKERS: Final = {"invalid": (2, "message_zh"), "unknown": (3, "what_zh"), "InvalidProgram": (9, "message_zh")}


def untold(path: str, text: str) -> list[str]:
    """Find errors of checks without a Chinese text: one that stands there, or in a variable or parameter."""
    tree = ast.parse(text)
    known = {each.arg for each in ast.walk(tree) if isinstance(each, ast.arg) and each.arg.endswith("_zh")}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _has_chinese(node.value, known):
            known |= {each.id for each in ast.walk(node.targets[0]) if isinstance(each, ast.Name)}
    return [
        f"{path}:{node.lineno} {node.func.id} says nothing in Chinese"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in _MAKERS
        and not _is_told(node, *_MAKERS[node.func.id], known)
    ]


def untold_refusals(path: str, text: str, texts: Mapping[str, Sequence[str]]) -> list[str]:
    """Find refusals that say their particulars in English alone, where the Chinese text of their code (`texts`) cannot
    do without them."""
    return [
        f"{path}:{node.lineno} {node.args[0].value!s} says its particulars in English alone"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Refusal"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and all("{message}" in each for each in texts.get(str(node.args[0].value), ("",)))
        and len(node.args) < 5
        and not any(each.arg == "message_zh" for each in node.keywords)
    ]


def codes_of_errors(sources: Mapping[str, str]) -> dict[str, str]:
    """The classes of errors, by name, with their codes."""
    return {
        node.name: str(each.value.value)
        for text in sources.values()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef)
        for each in node.body
        if isinstance(each, ast.Assign | ast.AnnAssign)
        and isinstance(each.value, ast.Constant)
        and ast.unparse(each.target if isinstance(each, ast.AnnAssign) else each.targets[0]) == "code"
    }


def untold_errors(path: str, text: str, codes: Mapping[str, str], texts: Mapping[str, Sequence[str]]) -> list[str]:
    """Find errors that are made without saying their particulars in Chinese, where the text of their code (`codes`, by
    class; `texts`) cannot do without them."""
    return [
        f"{path}:{node.lineno} {node.func.id} says its particulars in English alone"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in codes
        and all("{message}" in each for each in texts.get(codes[node.func.id], ("",)))
        and not any(each.arg in ("message_zh", None) for each in node.keywords)
    ]


def _is_told(call: ast.Call, place: int, name: str, known: set[str]) -> bool:
    texts = [each.value for each in call.keywords if each.arg == name] + call.args[place : place + 1]
    return any(_has_chinese(each, known) for each in texts)


def _has_chinese(text: ast.expr, known: set[str]) -> bool:
    return any(
        (isinstance(each, ast.Constant) and isinstance(each.value, str) and _CHINESE.search(each.value) is not None)
        or (isinstance(each, ast.Name) and each.id in known)
        for each in ast.walk(text)
    )
