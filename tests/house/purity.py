"""What the source may not do: floats and clocks in the core, locks and commits in the wrong place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final

from tests.house.tree import Sources, texts_in, within

IMPURE_MODULES: Final = frozenset(
    {"asyncio", "logging", "multiprocessing", "os", "random", "secrets", "socket", "subprocess", "threading", "time"}
)
IMPURE_CALLS: Final = frozenset({"print", "open", "input"})
IMPURE_ATTRIBUTES: Final = frozenset({"now", "utcnow", "today", "uuid1", "uuid4", "uuid6", "uuid7"})
DURATION: Final = re.compile(r"(^|_)(seconds|ms|timeout)$")
_LOCKING: Final = re.compile(
    r"\bFOR\s+(NO\s+KEY\s+)?UPDATE\b|\bFOR\s+(KEY\s+)?SHARE\b|\bLOCK\s+TABLE\b|\bLOCK\s+\w+\s+IN\s+\w+"
    r"|\bpg_(try_)?advisory_",
    re.IGNORECASE,
)
_TRANSACTION_SQL: Final = re.compile(r"\s*(BEGIN|COMMIT|START\s+TRANSACTION)\s*;?\s*", re.IGNORECASE)


def impurities(path: str, text: str) -> list[str]:
    """Find clocks, randomness, logging and input or output."""
    return [f"{path}:{line} {what}" for line, what in _impure_nodes(ast.parse(text))]


def _impure_nodes(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            for name in names:
                if name.split(".")[0] in IMPURE_MODULES:
                    yield node.lineno, f"imports {name}"
            if isinstance(node, ast.ImportFrom) and node.module == "uuid":
                yield from ((node.lineno, f"imports {each.name}") for each in node.names if each.name != "UUID")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
            yield node.lineno, f"calls {node.func.id}"
        elif isinstance(node, ast.Attribute) and node.attr in IMPURE_ATTRIBUTES and _is_class_or_module(node.value):
            yield node.lineno, f"uses {ast.unparse(node)}"


def _is_class_or_module(node: ast.expr) -> bool:
    return ast.unparse(node).split(".")[-1] in {"datetime", "date", "uuid", "dt"}


def floats(path: str, text: str, *, durations_allowed: bool = False) -> list[str]:
    """Find float literals and the name `float`; with durations allowed, not where a duration is declared or passed."""
    tree = ast.parse(text)
    allowed = {id(inner) for node in _durations(tree) for inner in ast.walk(node)} if durations_allowed else set()
    findings = []
    for node in ast.walk(tree):
        is_literal = isinstance(node, ast.Constant) and isinstance(node.value, float | complex)
        is_name = isinstance(node, ast.Name) and node.id == "float"
        if (is_literal or is_name) and id(node) not in allowed:
            findings.append(f"{path}:{getattr(node, 'lineno', 0)} float: {ast.unparse(node)}")
    return findings


def _durations(tree: ast.AST) -> Iterator[ast.AST]:
    """The parts of the source that stand for a duration by their name: `..._seconds`, `..._ms`, `timeout`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.keyword) and node.arg and DURATION.search(node.arg.lower()):
            yield node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if all(DURATION.search(ast.unparse(target).lower()) for target in targets):
                yield node
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.returns and DURATION.search(node.name):
                yield node.returns
            yield from _duration_defaults(node.args)


def _duration_defaults(arguments: ast.arguments) -> Iterator[ast.AST]:
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = list(zip(reversed(positional), reversed(arguments.defaults), strict=False))
    for argument, default in [*pairs, *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]:
        if default is not None and DURATION.search(argument.arg):
            yield default


def locking_sql(sources: Sources, allowed: Mapping[str, str]) -> list[str]:
    """Find SQL that takes locks, in `.py` (outside docstrings) and `.sql` (outside comments)."""
    return [
        f"{path}: {found.group()}"
        for path, text in sources.items()
        if not within(path, allowed)
        for piece in _sql_pieces(path, text)
        if (found := _LOCKING.search(piece))
    ]


def _sql_pieces(path: str, text: str) -> Iterator[str]:
    if path.endswith(".sql"):
        yield re.sub(r"--[^\n]*", "", text)
        return
    tree = ast.parse(text)
    yield from (str(node.value) for node in texts_in(tree))
    # SQLAlchemy's way of saying FOR UPDATE.
    yield from (
        "FOR UPDATE" for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "with_for_update"
    )


def commits(sources: Sources, allowed: Mapping[str, str]) -> list[str]:
    """Find what begins or ends a database transaction."""
    findings = []
    for path, text in sources.items():
        if not path.endswith(".py") or within(path, allowed):
            continue
        tree = ast.parse(text)
        for node in ast.walk(tree):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr in {"commit", "transaction", "begin"}:
                findings.append(f"{path}:{called.lineno} {ast.unparse(called)}()")
        findings += [
            f"{path}:{node.lineno} {node.value!r}"
            for node in texts_in(tree)
            if _TRANSACTION_SQL.fullmatch(str(node.value))
        ]
    return findings


def stale(allowed: Mapping[str, str], sources: Sources) -> list[str]:
    """Find allow-list entries that no longer fit any file, or that give no reason."""
    findings = [f"{place}: no reason" for place, reason in allowed.items() if not reason.strip()]
    return findings + [
        f"{place}: no such file" for place in allowed if not any(within(path, {place: ""}) for path in sources)
    ]
