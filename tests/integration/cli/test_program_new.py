"""`jifen program new`: a template becomes a file, without a database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jifen.services.templates import TEMPLATES, read_template
from tests.integration.cli.support import ask, environment, jifen, refused


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_template_is_written_here_or_elsewhere(folder: Path) -> None:
    """Here it is called after the template."""
    done = jifen("program", "new", "--template", "coffee", "--lang", "en")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Wrote coffee.yaml.\n", "")
    assert (folder / "coffee.yaml").read_text("utf-8") == read_template("coffee")
    answer = ask("program", "new", "--template", "hotel", "--output", folder / "mine.yaml")
    assert answer == {"template": "hotel", "file": str(folder / "mine.yaml")}
    assert (folder / "mine.yaml").read_text("utf-8") == read_template("hotel")


def test_without_a_name_all_are_listed() -> None:
    """For people with their trade in the language spoken, for scripts as JSON."""
    done = jifen("program", "new", env=environment(LANG="zh_CN.UTF-8"))
    assert done.returncode == 0
    assert "mother-and-baby" in done.stdout and "母婴" in done.stdout
    assert [each["template"] for each in json.loads(jifen("program", "new", "--json").stdout)] == list(TEMPLATES)


def test_nothing_is_written_over_without_force(folder: Path) -> None:
    """What a merchant changed is not lost by a slip."""
    file = folder / "retail.yaml"
    file.write_text("mine", "utf-8")
    assert "--force" in refused(["program", "new", "--template", "retail"])
    assert file.read_text("utf-8") == "mine"
    assert jifen("program", "new", "--template", "retail", "--force").returncode == 0
    assert file.read_text("utf-8") == read_template("retail")


def test_what_cannot_be_is_told_in_one_line(folder: Path) -> None:
    """Unknown templates, places that cannot be written, a place for nothing."""
    assert "did you mean coffee?" in refused(["program", "new", "--template", "cofee"])
    assert "cannot be written" in refused(["program", "new", "--template", "bank", "--output", "none/bank.yaml"])
    assert "cannot be written" in refused(["program", "new", "--template", "bank", "--output", folder, "--force"])
    assert "--template" in refused(["program", "new", "--output", "bank.yaml"])
    assert list(folder.iterdir()) == []
