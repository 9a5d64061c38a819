"""Every house rule finds what it is for in a small made-up source, and passes what is right."""

from __future__ import annotations

import textwrap

import pytest
import typer
import typer.main

from tests.house import commands, documents, imports, pages, purity, shape, tree, words


@pytest.mark.parametrize(
    ("path", "text", "finding"),
    [
        ("jifen/core/a.py", "from jifen.db import pools", "core imports nothing else of jifen"),
        ("jifen/core/a.py", "import jifen.settings", "core imports nothing else of jifen"),
        ("jifen/core/a.py", "def f():\n    import asyncpg", "core imports only the standard library and msgspec"),
        ("jifen/core/deep/a.py", "from ...db import pools", "core imports nothing else of jifen"),
        ("jifen/db/a.py", "import jifen.engine.lanes", "engine is above db"),
        ("jifen/db/__init__.py", "from ..engine import lanes", "engine is above db"),
        ("jifen/engine/a.py", "from jifen import services", "services is above engine"),
        ("jifen/services/a.py", "from jifen.api import app", "api is above services"),
        ("jifen/settings.py", "from jifen.db import pools", "db is above settings"),
        ("jifen/db/a.py", "from jifen import utilities", "utilities has no floor"),
    ],
)
def test_upward_imports_are_found(path: str, text: str, finding: str) -> None:
    """At any depth, in any spelling, also inside a function."""
    others = {f"jifen/{name}/__init__.py": "" for name in ("api", "services", "engine", "db", "utilities")}
    findings = imports.upward_imports({**others, path: text})
    assert len(findings) == 1
    assert finding in findings[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("jifen/core/a.py", "import zoneinfo, msgspec\nfrom jifen.core import b\nfrom .b import c"),
        ("jifen/db/a.py", "import asyncpg\nfrom jifen.core.ledger import lots\nfrom jifen.settings import Settings"),
        ("jifen/settings.py", "from jifen.core.errors import JifenError"),
        ("jifen/cli/a.py", "from jifen.api import app\nfrom jifen.log import configure\nfrom jifen import __version__"),
    ],
)
def test_downward_imports_pass(path: str, text: str) -> None:
    """Downward, within a floor, and the leaves."""
    assert imports.upward_imports({path: text}) == []


def test_calls_outside_are_found() -> None:
    """In the place that is meant, in any spelling; a database is no outside."""
    sources = {
        "jifen/engine/a.py": "import asyncpg\nimport http.client",
        "jifen/engine/b.py": "def f():\n    from urllib.request import urlopen",
        "jifen/channels/c.py": "import smtplib",
    }
    findings = imports.calls_outside(sources, "engine")
    assert [each.partition(":")[0] for each in findings] == ["jifen.engine.a", "jifen.engine.b"]


def test_circles_are_found() -> None:
    """Between modules, between packages of one floor; a line of imports is no circle."""
    line = {"jifen/db/a.py": "from jifen.db import b", "jifen/db/b.py": "from jifen.db.c import x", "jifen/db/c.py": ""}
    assert imports.circular_imports(line) == []
    circle = {**line, "jifen/db/c.py": "def f():\n    from .a import y"}
    assert imports.circular_imports(circle) == ["jifen.db.a -> jifen.db.b -> jifen.db.c -> jifen.db.a"]
    packages = {
        "jifen/api/a.py": "import jifen.jobs.a",
        "jifen/jobs/a.py": "",
        "jifen/jobs/b.py": "import jifen.api.b",
        "jifen/api/b.py": "",
    }
    assert imports.circular_imports(packages) == ["packages: api -> jobs -> api"]


@pytest.mark.parametrize(
    "text",
    [
        "import datetime as dt\ninstant = dt.datetime.now()",
        "from datetime import datetime\ninstant = datetime.utcnow()",
        "from datetime import date\nmake = date.today",
        "import time",
        "from random import choice",
        "from uuid import uuid4",
        "import uuid\nkey = uuid.uuid7()",
        "import logging.handlers",
        "print('x')",
        "text = open('x').read()",
    ],
)
def test_impurities_are_found(text: str) -> None:
    """Each way to reach a clock, chance, a log or a file."""
    assert len(purity.impurities("a.py", text)) == 1


def test_pure_source_passes() -> None:
    """Time as an argument is what the rule wants."""
    text = "from datetime import datetime, time\nfrom uuid import UUID\ndef f(now: datetime): return now.date()"
    assert purity.impurities("a.py", text) == []


@pytest.mark.parametrize("text", ["rate = 0.5", "x = float(y)", "def f(x: float): ...", "small = 1e3", "z = 2j"])
def test_floats_are_found(text: str) -> None:
    """Literals, conversions and types, with or without durations allowed."""
    assert len(purity.floats("a.py", text)) == 1
    assert len(purity.floats("a.py", text, durations_allowed=True)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "def wait(total: int, *, wait_seconds: float = 60.0): ...",
        "def wait(wait_seconds=0.5): ...",
        "connect(timeout=2.5)",
        "PAUSE_SECONDS = 0.1",
        "class A:\n    latency_ms: float = 0.0",
        "def elapsed_ms() -> float: ...",
    ],
)
def test_durations_may_be_floats_outside_the_core(text: str) -> None:
    """Only where the name says that it is a duration."""
    assert purity.floats("a.py", text, durations_allowed=True) == []
    assert purity.floats("a.py", text) != []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "sql = 'select 1 from member for  update'"),
        ("a.py", "sql = f'SELECT {x} FROM lot FOR NO KEY UPDATE'"),
        ("a.py", "sql = 'SELECT 1 FOR KEY SHARE'"),
        ("a.py", "sql = 'SELECT pg_try_advisory_lock(1)'"),
        ("a.py", "query = select(member).with_for_update()"),
        ("a.sql", "SELECT 1\nFOR\n  UPDATE;"),
        ("a.sql", "LOCK member IN EXCLUSIVE MODE;"),
    ],
)
def test_locking_sql_is_found(path: str, text: str) -> None:
    """In any case and layout; allowed where the list says so."""
    assert len(purity.locking_sql({path: text}, {"other.py": "x"})) == 1
    assert purity.locking_sql({path: text}, {path: "x"}) == []


def test_talking_about_locks_is_no_lock() -> None:
    """Docstrings and comments may explain."""
    sources = {"a.py": '"""No FOR UPDATE here."""\n# FOR UPDATE\nx = 1', "a.sql": "-- FOR UPDATE\nSELECT 1;"}
    assert purity.locking_sql(sources, {}) == []


@pytest.mark.parametrize(
    "text",
    [
        "await connection.commit()",
        "async with connection.transaction(): ...",
        "with engine.begin() as x: ...",
        "await connection.execute('commit;')",
    ],
)
def test_commits_are_found(text: str) -> None:
    """Each way to begin or end a transaction; allowed below a listed folder."""
    source = textwrap.indent(text, "    ")
    sources = {"jifen/services/a.py": f"async def f():\n{source}"}
    assert len(purity.commits(sources, {"jifen/engine/": "x"})) == 1
    assert purity.commits(sources, {"jifen/services/": "x"}) == []


def test_stale_exceptions_are_found() -> None:
    """An exception needs a file and a reason."""
    assert purity.stale({"a.py": "why", "b/": "why"}, {"a.py": "", "b/c.py": ""}) == []
    assert purity.stale({"a.py": " "}, {"a.py": ""}) == ["a.py: no reason"]
    assert purity.stale({"b/": "why"}, {"b.py": ""}) == ["b/: no such file"]


def test_oversized_source_is_found() -> None:
    """At the limit it passes, a line above it does not."""
    body = "\n    x = 1"
    fits = "def f():" + body * (shape.FUNCTION_LINES - 1)
    assert shape.oversized({"a.py": fits}) == []
    assert "f: 81 lines" in shape.oversized({"a.py": fits + body})[0]
    assert shape.oversized({"a.py": "x = 1\n" * shape.FILE_LINES}) == []
    assert "501 lines" in shape.oversized({"a.py": "x = 1\n" * (shape.FILE_LINES + 1)})[0]


def test_missing_and_orphaned_tests_are_found() -> None:
    """Modules of constants need no test."""
    modules = {"ledger/lots.py": "def f(): ...", "limits.py": "MOST = 1", "__init__.py": "def f(): ..."}
    assert shape.unmirrored(modules, ["ledger/test_lots.py"]) == []
    assert shape.unmirrored(modules, ["ledger/test_lots.py", "test_limits.py"]) == []
    assert shape.unmirrored(modules, []) == ["core/ledger/lots.py has no tests/unit/core/ledger/test_lots.py"]
    assert shape.unmirrored({}, ["test_gone.py"]) == ["tests/unit/core/test_gone.py tests no module of core"]


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://" + "pypi" + ".org/simple",
        "https://files.python" + "hosted.org/a.whl",
        '"resolved": "https://registry.npm' + 'js.org/a.tgz"',
        "cd /" + "root/jifen",
        "# made in /" + "work/main",
        "path = '/home" + "/ada/jifen'",
    ],
)
def test_foreign_words_are_found(line: str) -> None:
    """With the number of the line."""
    findings = shape.foreign_words("a.txt", f"fine\n{line}\n".encode())
    assert len(findings) == 1
    assert findings[0].startswith("a.txt:2 ")


def test_ordinary_words_pass() -> None:
    """Paths of an installed system, addresses of the project's own, and binary files."""
    assert shape.foreign_words("a.txt", b"/var/lib/jifen /homework/ http://127.0.0.1:8000 /home/") == []
    assert shape.foreign_words("a.gz", b"\0/" + b"root/") == []


def test_faulty_decisions_are_found() -> None:
    """Gaps, doubles, names and headings."""
    whole = "# 1\n\n## Context\n\n## Decision\n\n## Consequences\n"
    assert documents.decision_faults({"0000-template.md": whole, "0001-a.md": whole, "README.md": ""}) == []
    assert documents.decision_faults({"0000-a.md": whole, "0002-b.md": whole}) == ["numbers are not 0 to 1: [0, 2]"]
    assert documents.decision_faults({"0000-a.md": whole, "0000-b.md": whole}) == ["numbers are not 0 to 1: [0, 0]"]
    assert documents.decision_faults({"0000-a.md": whole, "Notes.md": whole}) == [
        "Notes.md: not named NNNN-some-words.md"
    ]
    assert documents.decision_faults({"0000-a.md": "## Context\n## Decision\n"}) == [
        "0000-a.md: no heading '## Consequences'"
    ]


def test_faulty_invariants_are_found() -> None:
    """Made-up numbers are put together here, so that this file cites none."""
    one, two = (f"I-{number:02}" for number in (91, 92))
    page = f"# Invariants\n\n## {one} Sum\n\nSee {two}.\n\n| {two} | text |\n"
    cited = {"test_a.py": f"'''{one}, {two}'''"}
    assert documents.invariant_faults(page, {}, cited) == []
    assert documents.invariant_faults(page, {"a.py": f"# {two}"}, {"test_a.py": one}) == [f"{two} is cited by no test"]
    assert documents.invariant_faults(page + f"- **{one}** x\n", {}, cited) == [f"{one} is defined 2 times"]
    assert documents.invariant_faults(f"## {one}\n", {"a.py": one}, cited) == [
        f"test_a.py cites {two}, which is not defined"
    ]
    assert documents.invariant_faults("", {}, {}) == ["no invariant is defined"]


def test_undocumented_commands_are_found() -> None:
    """Groups are walked through; hidden commands are nobody's business; a longer name does not stand for a shorter."""
    app, inner = typer.Typer(), typer.Typer()
    inner.command("apply")(lambda: None)
    inner.command("show")(lambda: None)
    app.add_typer(inner, name="program")
    app.command("serve")(lambda: None)
    app.command("secret", hidden=True)(lambda: None)
    paths = list(documents.command_paths(typer.main.get_command(app), "jifen"))
    assert sorted(paths) == ["jifen program apply", "jifen program show", "jifen serve"]
    page = "# jifen\n\n## `jifen serve-all`\n\n### jifen program apply FILE\n\njifen program show\n"
    assert sorted(documents.undocumented_commands(page, paths)) == ["jifen program show", "jifen serve"]


def test_operations_without_a_command_are_found() -> None:
    """New ones, those that stand twice, names of nothing, and commands that are gone."""
    table, reasons = {"spend": "points spend", "both": "points spend", "gone": "points gone"}, {"both": "", "old": ""}
    found = commands.faults(table, reasons, ["spend", "both", "gone", "new"], ["points spend"])
    assert found == [
        "new has no command, and no reason why not",
        "both has a command and a reason why not",
        "old is no operation",
        "gone: there is no `jifen points gone`",
    ]
    assert commands.faults({"spend": "points spend"}, {"other": "why"}, ["spend", "other"], ["points spend"]) == []


def test_the_tree_is_found() -> None:
    """The rules look at the real files, not at an empty list."""
    assert "jifen/settings.py" in tree.read_sources(tree.SOURCE, ".py")
    assert tree.ROOT / "pyproject.toml" in tree.kept_files()


ENGLISH_PAGE = """# A shop

[中文](../zh/how-to/shop.md)

## Open

| field | holds |
|---|---|
| `name` | its name |

```sh
jifen serve   # begins
jifen members show "Ada" --lang en?lang=en
```
"""
CHINESE_PAGE = """# 店铺

[English](../../how-to/shop.md)

## 开张

| 字段 | 内容 |
|---|---|
| `name` | 名称 |

```sh
jifen serve   # 开始
jifen members show "小明" --lang en?lang=zh
```
"""


@pytest.mark.parametrize(
    ("was", "then", "finding"),
    [
        ("[English](../../how-to/shop.md)", "", "zh/how-to/shop.md: no link to its English twin in its first lines"),
        ("## 开张", "### 开张", "how-to/shop.md: 2 headings, its twin 2, or of other levels"),
        ("| `name` | 名称 |\n", "", "how-to/shop.md: 3 rows of tables, its twin 2"),
        ("`name`", "`names`", "how-to/shop.md: a row of a table is of `name`, that of its twin of `names`"),
        ("jifen serve", "jifen demo", "how-to/shop.md: code block 1 is not that of its twin"),
        ("```sh", "```", "how-to/shop.md: code block 1 is not that of its twin"),
        ("## 开张", "## 开张\n[x](../../reference/cli.md)", "zh/how-to/shop.md: ../../reference/cli.md is in English"),
    ],
)
def test_differing_twins_are_found(was: str, then: str, finding: str) -> None:
    """Comments and words may be translated, nothing else of the code."""
    english = {"how-to/shop.md": ENGLISH_PAGE}
    assert pages.twin_faults(english, {"how-to/shop.md": CHINESE_PAGE}) == []
    assert pages.twin_faults(english, {"how-to/shop.md": CHINESE_PAGE.replace(was, then, 1)}) == [finding]
    assert pages.twin_faults(english, {}) == ["how-to/shop.md: no Chinese twin"]
    assert pages.twin_faults({}, {"how-to/shop.md": CHINESE_PAGE}) == ["zh/how-to/shop.md: no English twin"]


def test_broken_links_are_found() -> None:
    """Files, folders and headings; addresses and what stands in code are no links of ours."""
    page = "# Two `words`: here\n\n## Same\n\n## Same\n"
    kept = ["README.md", "docs/a.md", "docs/b/c.md"]
    links = "[a](docs/a.md#two-words-here) [b](docs/b) [s](docs/a.md#same-1) [h](https://a.example/b.md) `[x](no.md)`"
    assert pages.broken_links({"README.md": links, "docs/a.md": page}, kept) == []
    assert pages.broken_links({"docs/a.md": page + "[r](../README.md) [m](#same) [n](#other)"}, kept) == [
        "docs/a.md: #other names no heading"
    ]
    assert pages.broken_links({"docs/b/c.md": "[a](a.md) [b](../a.md)"}, kept) == ["docs/b/c.md: a.md leads nowhere"]


@pytest.mark.parametrize(
    ("code", "is_told"),
    [
        ('invalid(path, "is wrong", "有误")', True),
        ('invalid(path, f"is {value}", f"是 {value}；须为正数")', True),
        ('invalid(path, "is wrong", message_zh="有误")', True),
        ('zh = "有误"\ninvalid(path, "is wrong", zh)', True),
        ("def f(what_zh):\n    invalid(path, what, what_zh)", True),
        ('unknown(path, name, known, "规则", "rules")', True),
        ('InvalidProgram("It is wrong.", message_zh="有误。")', True),
        ('invalid(path, "is wrong")', False),
        ('invalid(path, "is wrong", "is wrong")', False),
        ('zh = "wrong"\ninvalid(path, "is wrong", zh)', False),
        ('unknown(path, name, known, "rules", "规则")', False),
        ('InvalidProgram("It is wrong.", path=path)', False),
    ],
)
def test_checks_without_chinese_are_found(code: str, is_told: bool) -> None:
    """Also where the text stands in a variable, or comes in as a parameter."""
    assert (words.untold("a.py", code) == []) == is_told


@pytest.mark.parametrize(
    ("code", "is_told"),
    [
        ('Refusal("odd", message, "/field", message_zh=zh)', True),
        ('Refusal("odd", message, "/field", details, zh)', True),
        ('Refusal("even", message)', True),
        ('Refusal("odd", message, "/field", details)', False),
    ],
)
def test_refusals_in_english_alone_are_found(code: str, is_told: bool) -> None:
    """Where some text of the code does without the particulars, the values may be there."""
    texts = {"odd": ("奇怪：{message}",), "even": ("有 {number}。", "偶数：{message}")}
    assert (words.untold_refusals("a.py", code, texts) == []) == is_told


@pytest.mark.parametrize(
    ("code", "is_told"),
    [
        ('raise Odd("Message.")', False),
        ('raise Odd("Message.", message_zh="话。")', True),
        ('raise Odd("Message.", **told)', True),
        ('raise Plain("Message.")', True),
        ('raise Other("Message.")', True),
    ],
)
def test_errors_in_english_alone_are_found(code: str, is_told: bool) -> None:
    """Where the Chinese text of their code stands for itself, no particulars are needed."""
    codes = words.codes_of_errors({"a.py": 'class Odd(E):\n    code: str = "odd"\nclass Plain(E):\n    code = "plain"'})
    assert codes == {"Odd": "odd", "Plain": "plain"}
    texts = {"odd": ("奇怪：{message}",), "plain": ("就是这样。",)}
    assert (words.untold_errors("a.py", code, codes, texts) == []) == is_told
