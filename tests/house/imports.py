"""Imports run downward only, and no two modules import each other, directly or round a corner."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from typing import Final

from tests.house.tree import Sources

FLOORS: Final = {
    "core": 0,
    "db": 1,
    "engine": 2,
    "services": 3,
    "analytics": 3,
    "channels": 3,
    "cli": 4,
    "api": 4,
    "jobs": 4,
    "__main__": 5,
}
LEAVES: Final = {"settings", "errors", "log", "__init__"}
"""Modules at the top of the package that anyone but `core` may import."""
LEAF_FLOOR: Final = 0
# CEL compiles and evaluates the conditions of programs: a pure function of text and facts.
# The numbering plans of the world tell which spellings are one phone number: a pure function of text and region.
CORE_MAY_IMPORT: Final = frozenset(sys.stdlib_module_names) | {"msgspec", "cel_expr_python", "phonenumbers"}

#: With these one talks to somebody else: other machines, mail servers, other programs.
CALLING: Final = frozenset(
    ("aiohttp", "ftplib", "http", "httpx", "requests", "smtplib", "socket", "ssl", "subprocess", "urllib", "websockets")
)


def module_name(path: str) -> str:
    """`jifen/db/pools.py` is `jifen.db.pools`; `jifen/db/__init__.py` is `jifen.db`."""
    parts = path.removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imports_of(path: str, text: str, known: frozenset[str]) -> dict[str, int]:
    """Which modules the file imports, with the line; names imported from a package are modules when they are known."""
    package = module_name(path) if path.endswith("__init__.py") else module_name(path).rpartition(".")[0]
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name: node.lineno for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            climbed = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*climbed, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found[inner if inner in known else base] = node.lineno
    return found


def graph_of(sources: Sources) -> dict[str, dict[str, int]]:
    """For every module, the modules it imports, with the line."""
    known = frozenset(module_name(path) for path in sources)
    return {module_name(path): imports_of(path, text, known) for path, text in sources.items()}


def upward_imports(sources: Sources) -> list[str]:
    """Find imports that run upward, or that `core` may not make. Paths begin with `jifen/`."""
    findings = []
    for module, imported in graph_of(sources).items():
        for target, line in imported.items():
            reason = _why_not(_place(module), target)
            if reason:
                findings.append(f"{module}:{line} imports {target}: {reason}")
    return findings


def calls_outside(sources: Sources, place: str) -> list[str]:
    """Find modules of a place that import what talks to somebody else."""
    return [
        f"{module}:{line} imports {target}: nobody else is called from {place}"
        for module, imported in graph_of(sources).items()
        for target, line in imported.items()
        if _place(module) == place and target.split(".", maxsplit=1)[0] in CALLING
    ]


def _place(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def _why_not(place: str, target: str) -> str | None:
    if target.split(".", maxsplit=1)[0] != "jifen":
        allowed = place != "core" or target.split(".", maxsplit=1)[0] in CORE_MAY_IMPORT
        return None if allowed else "core imports only the standard library and msgspec"
    goal = _place(target)
    for name in (place, goal):
        if name not in FLOORS and name not in LEAVES:
            return f"{name} has no floor in the house"
    if place == "core":
        return None if goal == "core" else "core imports nothing else of jifen"
    if goal in LEAVES:
        return None
    floor = LEAF_FLOOR if place in LEAVES else FLOORS[place]
    return None if FLOORS[goal] <= floor else f"{goal} is above {place}"


def circles(graph: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Find circles: each as the path that comes back to where it began."""
    findings: list[str] = []
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> None:
        if module in path:
            findings.append(" -> ".join([*path[path.index(module) :], module]))
        elif module not in done:
            for target in graph[module]:
                if target in graph:
                    walk(target, [*path, module])
            done.add(module)

    for module in graph:
        walk(module, [])
    return findings


def circular_imports(sources: Sources) -> list[str]:
    """Find modules, and top-level packages, that import each other."""
    graph = graph_of(sources)
    packages: dict[str, dict[str, int]] = {}
    for module, imported in graph.items():
        edges = packages.setdefault(_place(module), {})
        for target, line in imported.items():
            if target in graph and _place(target) != _place(module):
                edges[_place(target)] = line
    between = [f"packages: {circle}" for circle in circles(packages)]
    return circles(graph) + between
