"""Where the source is, and small helpers to look at it."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCE: Final = ROOT / "src"
PACKAGE: Final = SOURCE / "jifen"

Sources = Mapping[str, str]
"""Text of each file by its path below the folder looked at, with `/` between parts."""


def read_sources(folder: Path, *suffixes: str) -> dict[str, str]:
    """Read every file below the folder that has one of the suffixes."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in suffixes and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in paths}


def kept_files() -> list[Path]:
    """Every file that is, or would be, under version control."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8")
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def within(path: str, places: Mapping[str, str]) -> bool:
    """Is the path one of the places, or below one that ends in `/`?"""
    return any(path == place or (place.endswith("/") and path.startswith(place)) for place in places)


def texts_in(tree: ast.AST) -> Iterator[ast.Constant]:
    """Every string constant that is not a docstring."""
    prose = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node
