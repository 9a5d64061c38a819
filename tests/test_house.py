"""The house rules, run as tests. Each checker proves in `test_house_checkers.py` that it can fail."""

from __future__ import annotations

from functools import cache
from typing import Final, Literal

import pytest
import typer.main

from jifen.services.chinese import ERRORS, REFUSALS
from jifen.settings import settings_page
from tests.house import commands, documents, imports, pages, purity, shape, tree, words

LOCKING_PLACES: Final = {
    "jifen/db/locking.py": "the one module that takes locks",
}
COMMITTING_PLACES: Final = {
    "jifen/engine/": "the engine commits each batch once",
    "jifen/db/migrations/upgrade.py": "the schema changes as a whole or not at all",
    "jifen/services/verification.py": "reads one snapshot, writes nothing",
    "jifen/services/snapshot.py": "reads one snapshot, writes nothing",
    "jifen/services/segments/catalog.py": "the list of segments changes alone; no points move with it",
}
IMPURE_PLACES: Final = {
    "jifen/core/conditions/zones.py": "CEL finds the files of time zones only by an environment variable",
}
ENGLISH_PLACES: Final = (
    "jifen/core/conditions/",  # its errors are made of problems, which are told in both languages
)
FLOAT_PLACES: Final = {
    "jifen/db/embedded/": "runs a server process: waits and machine sizes, never an amount",
    "jifen/db/backup.py": "copies files: shares of progress, never an amount",
}


@cache
def package_sources() -> dict[str, str]:
    """The Python files of the package, by paths that begin with `jifen/`."""
    return tree.read_sources(tree.SOURCE, ".py")


@cache
def sources_of_tests() -> dict[str, str]:
    """The Python files of the tests."""
    return tree.read_sources(tree.ROOT / "tests", ".py")


def core_sources() -> dict[str, str]:
    """The Python files of the core, by paths below it."""
    return tree.read_sources(tree.PACKAGE / "core", ".py")


def test_imports_run_downward() -> None:
    """A floor knows nothing of the floors above it; the core only the standard library, msgspec and CEL."""
    assert imports.upward_imports(package_sources()) == []


def test_imports_make_no_circle() -> None:
    """Neither modules nor packages import each other."""
    assert imports.circular_imports(package_sources()) == []


def test_the_core_is_pure() -> None:
    """No clock, randomness, logging, input or output in the core: time enters as an argument."""
    assert [
        each
        for path, text in core_sources().items()
        if not tree.within(f"jifen/core/{path}", IMPURE_PLACES)
        for each in purity.impurities(path, text)
    ] == []


def test_the_core_has_no_float() -> None:
    """Points and money are integers, rates exact rationals."""
    assert [each for path, text in core_sources().items() for each in purity.floats(path, text)] == []


def test_the_money_path_has_no_float() -> None:
    """In engine and db a float is a duration, by its name; other exceptions stand in the list with a reason."""
    money_path = {
        path: text
        for path, text in package_sources().items()
        if path.startswith(("jifen/engine/", "jifen/db/")) and not tree.within(path, FLOAT_PLACES)
    }
    assert [
        each for path, text in money_path.items() for each in purity.floats(path, text, durations_allowed=True)
    ] == []


def test_checks_of_programs_speak_chinese() -> None:
    """Whoever writes a program in Chinese reads what is wrong with it in Chinese."""
    assert [each for path, text in package_sources().items() for each in words.untold(path, text)] == []


def test_refusals_of_commands_speak_chinese() -> None:
    """Where the text of a code needs the particulars, whoever refuses says them in Chinese."""
    sources = package_sources()
    assert [each for path, text in sources.items() for each in words.untold_refusals(path, text, REFUSALS)] == []


def test_errors_speak_chinese() -> None:
    """Also what keeps a server from running: whoever set it up reads Chinese as well."""
    codes = words.codes_of_errors(package_sources())
    above = {path: text for path, text in package_sources().items() if not path.startswith(ENGLISH_PLACES)}
    texts = REFUSALS | ERRORS
    assert [each for path, text in above.items() for each in words.untold_errors(path, text, codes, texts)] == []


def test_locking_sql_stands_in_one_module() -> None:
    """The order of locks can only be reasoned about when it stands in one place (known failures 23, 29, 31)."""
    sources = tree.read_sources(tree.SOURCE, ".py", ".sql")
    assert purity.locking_sql(sources, LOCKING_PLACES) == []


def test_only_the_engine_commits() -> None:
    """One commit for a batch and its outbox; nothing is written beside it (known failure 37)."""
    # The core cannot reach a database (its imports are tested above), so a `begin` there is a word of the field.
    able = {path: text for path, text in package_sources().items() if not path.startswith("jifen/core/")}
    assert purity.commits(able, COMMITTING_PLACES) == []


def test_nobody_is_called_while_a_transaction_is_open() -> None:
    """The engine talks to its database alone: what others must hear of goes through the outbox, with the commit (known
    failure 92)."""
    assert imports.calls_outside(package_sources(), "engine") == []


@pytest.mark.parametrize(
    "places",
    [LOCKING_PLACES, COMMITTING_PLACES, IMPURE_PLACES, FLOAT_PLACES],
    ids=["lock", "commit", "impure", "float"],
)
def test_every_exception_is_used_and_reasoned(places: dict[str, str]) -> None:
    """A list of exceptions must not outlive what it excepts."""
    assert purity.stale(places, tree.read_sources(tree.SOURCE, ".py", ".sql")) == []


@pytest.mark.parametrize("folder", ["src", "tests", "bench"])
def test_files_and_functions_stay_small(folder: str) -> None:
    """A file that grows usually hides a second noun."""
    assert shape.oversized(tree.read_sources(tree.ROOT / folder, ".py")) == []


def test_tests_mirror_the_core() -> None:
    """Every module of the core has its test at the same place, and no test outlives its module."""
    names = [
        path for path in tree.read_sources(tree.ROOT / "tests/unit/core", ".py") if not path.endswith("__init__.py")
    ]
    helpers = {name for name in names if not name.rpartition("/")[2].startswith("test_")}
    assert shape.unmirrored(core_sources(), [name for name in names if name not in helpers]) == []


def test_nothing_kept_names_a_registry_or_a_machine() -> None:
    """What is under version control must work the same on every machine and behind every mirror."""
    names = {path: path.relative_to(tree.ROOT).as_posix() for path in tree.kept_files()}
    assert [each for path, name in names.items() for each in shape.foreign_words(name, path.read_bytes())] == []


@pytest.mark.parametrize(("language", "name"), [("en", "settings.md"), ("zh", "../zh/reference/settings.md")])
def test_the_settings_page_is_current(language: Literal["en", "zh"], name: str) -> None:
    """The pages are made by `python -m jifen.settings`, so every variable is documented."""
    assert (tree.ROOT / "docs/reference" / name).read_text("utf-8") == settings_page(language)


def test_every_page_has_its_twin() -> None:
    """Users read Chinese first and English second: same pages, same headings, same code."""
    english, chinese = (
        {
            f"{folder}/{name}": text
            for folder in ("tutorial", "how-to", "reference")
            for name, text in tree.read_sources(tree.ROOT / docs / folder, ".md").items()
        }
        for docs in ("docs", "docs/zh")
    )
    assert pages.twin_faults(english, chinese) == []
    readme, readme_zh = ((tree.ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md"))
    assert list(pages.differences(readme, readme_zh)) == []


def test_every_link_leads_somewhere() -> None:
    """To a file that is kept, and to a heading that is there."""
    kept = [path.relative_to(tree.ROOT).as_posix() for path in tree.kept_files()]
    texts = {name: (tree.ROOT / name).read_text("utf-8") for name in kept if name.endswith(".md")}
    assert pages.broken_links(texts, kept) == []


def test_every_command_is_documented() -> None:
    """Each command of the `jifen` command line has a heading in the reference, in both languages."""
    from jifen.cli.main import app

    commands = list(documents.command_paths(typer.main.get_command(app), "jifen"))
    assert len(commands) > 1
    for name in ("docs/reference/cli.md", "docs/zh/reference/cli.md"):
        page = (tree.ROOT / name).read_text("utf-8")
        assert documents.undocumented_commands(page, commands) == [], name


def test_what_the_api_does_a_command_does() -> None:
    """Every operation that changes something has a command, or stands in a list with the reason."""
    from jifen.api.openapi import openapi_document
    from jifen.cli.main import app

    operations = [
        operation["operationId"]
        for path in openapi_document()["paths"].values()
        for method, operation in path.items()
        if method != "get"
    ]
    there = documents.command_paths(typer.main.get_command(app), "jifen")
    assert len(operations) > 60
    assert commands.uncommanded(operations, [each.removeprefix("jifen ") for each in there]) == []


def test_decisions_are_numbered_and_whole() -> None:
    """No gap in the numbers; every decision says its context and its consequences."""
    assert documents.decision_faults(tree.read_sources(tree.ROOT / "docs/decisions", ".md")) == []


def test_invariants_are_defined_and_tested() -> None:
    """Every invariant has a test that cites it; whatever is cited exists."""
    page = (tree.ROOT / "docs/invariants.md").read_text("utf-8")
    code = tree.read_sources(tree.SOURCE, ".py", ".sql") | {
        f"bench/{path}": text for path, text in tree.read_sources(tree.ROOT / "bench", ".py").items()
    }
    assert documents.invariant_faults(page, code, sources_of_tests()) == []
