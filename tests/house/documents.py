"""What the documents must say: decisions, invariants and commands."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final, cast

from tests.house.tree import Sources

ADR_HEADINGS: Final = ("## Context", "## Decision", "## Consequences")
_ADR_NAME: Final = re.compile(r"(\d{4})-[a-z0-9-]+\.md")
_CITATION: Final = re.compile(r"\bI-\d{2,}\b")
_DEFINITION: Final = re.compile(r"^(?:#+\s+|[-*]\s+|\|\s*)?\**(I-\d{2,})\b", re.MULTILINE)


def decision_faults(pages: Sources) -> list[str]:
    """Find decisions that are numbered with a gap or twice, or that lack a heading."""
    names = sorted(name for name in pages if name != "README.md")
    findings = [f"{name}: not named NNNN-some-words.md" for name in names if not _ADR_NAME.fullmatch(name)]
    numbers = [int(found.group(1)) for name in names if (found := _ADR_NAME.fullmatch(name))]
    if numbers != list(range(len(numbers))):
        findings.append(f"numbers are not 0 to {len(numbers) - 1}: {numbers}")
    for name in names:
        lines = pages[name].splitlines()
        findings += [f"{name}: no heading {heading!r}" for heading in ADR_HEADINGS if heading not in lines]
    return findings


def invariant_faults(page: str, code: Sources, tests: Sources) -> list[str]:
    """Find invariants that are cited but not defined, defined twice, or that no test cites."""
    defined = _DEFINITION.findall(page)
    findings = [
        f"{number} is defined {defined.count(number)} times" for number in set(defined) if defined.count(number) > 1
    ]
    tested = {number for text in tests.values() for number in _CITATION.findall(text)}
    findings += [f"{number} is cited by no test" for number in sorted(set(defined) - tested)]
    for path, text in [*code.items(), *tests.items()]:
        unknown = set(_CITATION.findall(text)) - set(defined)
        findings += [f"{path} cites {number}, which is not defined" for number in sorted(unknown)]
    return findings or ([] if defined else ["no invariant is defined"])


def command_paths(command: object, path: str) -> Iterator[str]:
    """Every command a person can call, as typed: `jifen program apply`."""
    if getattr(command, "hidden", False):
        return
    inner = cast(dict[str, object], getattr(command, "commands", {}))
    if not inner:
        yield path
    for name, each in inner.items():
        yield from command_paths(each, f"{path} {name}")


def undocumented_commands(page: str, paths: Collection[str]) -> list[str]:
    """Find commands that no heading of the page names."""
    headings = [line.replace("`", "") for line in page.splitlines() if line.startswith("#")]
    return [path for path in paths if not any(re.search(rf"\b{re.escape(path)}(?![\w-])", line) for line in headings)]
