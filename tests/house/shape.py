"""How big files and functions may get, where tests stand, and what must not be in a file."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from typing import Final

from tests.house.tree import Sources

FILE_LINES: Final = 500
FUNCTION_LINES: Final = 80

# In pieces, so that this file does not hold what it looks for.
_FOREIGN: Final = re.compile(
    "|".join(
        [
            r"\b(?:files\.)?python" + r"hosted\.org",
            r"\bpypi" + r"\.(?:org|python\.org)",
            r"\b(?:registry\.)?npm(?:js|mirror)" + r"\.(?:org|com)",
            r"\bproxy\.golang" + r"\.org",
            r"(?<![\w.-])/(?:root|work)" + r"/",
            r"(?<![\w.-])/home/(?!nonroot)" + r"\w+/",
            r"(?<![\w.-])/tmp/(?:brief|bash_jobs)" + r"\b",
        ]
    ),
    re.IGNORECASE,
)


def oversized(sources: Sources) -> list[str]:
    """Find files and functions that are longer than agreed."""
    findings = []
    for path, text in sources.items():
        length = len(text.splitlines())
        if length > FILE_LINES:
            findings.append(f"{path}: {length} lines, agreed are {FILE_LINES}")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    findings.append(f"{path}:{node.lineno} {node.name}: {lines} lines, agreed are {FUNCTION_LINES}")
    return findings


def unmirrored(modules: Sources, tests: Collection[str]) -> list[str]:
    """Find modules without their test, and tests without their module.

    Modules are paths below `core/`, tests below `tests/unit/core/`: `a/b.py` is tested by `a/test_b.py`.
    """
    wanted = {_test_path(path): path for path, text in modules.items() if _has_behaviour(path, text)}
    existing = {_test_path(path) for path in modules}
    missing = [f"core/{path} has no tests/unit/core/{test}" for test, path in wanted.items() if test not in tests]
    return missing + [f"tests/unit/core/{test} tests no module of core" for test in tests if test not in existing]


def _test_path(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/test_{name}" if folder else f"test_{name}"


def _has_behaviour(path: str, text: str) -> bool:
    """Constants, plain values and re-exports need no test of their own."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return not path.endswith("__init__.py") and any(isinstance(node, kinds) for node in ast.walk(ast.parse(text)))


def foreign_words(name: str, content: bytes) -> list[str]:
    """Find addresses of registries and paths of somebody's machine in a text file."""
    if b"\0" in content[:8192]:
        return []
    lines = content.decode("utf-8", errors="replace").splitlines()
    return [
        f"{name}:{number} {found.group()}" for number, line in enumerate(lines, 1) if (found := _FOREIGN.search(line))
    ]
