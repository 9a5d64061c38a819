"""The examples of docs/reference/cli.md, run as they stand there."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path

import pytest

from tests.integration.cli.support import ROOT, jifen

PAGE = (ROOT / "docs/reference/cli.md").read_text("utf-8")
EXAMPLES = re.findall(r"```console\n\$ jifen ([^\n]*)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("arguments", "output"), EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_an_example_does_what_the_page_says(
    arguments: str, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an empty folder, on a new database."""
    monkeypatch.chdir(tmp_path)
    done = jifen(*shlex.split(arguments), env=dict(os.environ) | {"LANG": "en_US.UTF-8"})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(output)


def test_the_page_names_every_field_of_the_summaries(bare_database_url: str) -> None:
    """What a script may rely on stands in the page."""
    assert jifen("init", "--program", "demo", "--url", bare_database_url).returncode == 0
    for command in (["expire"], ["verify"], ["program", "show"]):
        done = jifen(*command, "--url", bare_database_url, "--json")
        section = PAGE.split(f"## `jifen {' '.join(command)}`", 1)[1].split("\n## ", 1)[0]
        for field in json.loads(done.stdout):
            assert field in section, f"{command}: {field}"
