"""Time zones: only names that are known, since CEL opens whatever file it is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jifen.core.conditions.zones import is_zone, provide_zones


@pytest.mark.parametrize("text", ["Asia/Shanghai", "Europe/Berlin", "UTC", "+08:00", "-05:30", "+14:00"])
def test_names_and_offsets_are_zones(text: str) -> None:
    """What a person writes."""
    assert is_zone(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/etc/passwd",
        "../UTC",
        "file:/etc/passwd",
        "localtime",
        "Asia",
        "08:00",
        "+8:00",
        "+15:00",
        "+08:60",
        "utc ",
    ],
)
def test_paths_and_inventions_are_not(text: str) -> None:
    """`localtime` would mean something else on every machine."""
    assert not is_zone(text)


def test_a_machine_without_zones_gets_those_of_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment that names a folder already is left alone."""
    monkeypatch.setenv("TZDIR", "elsewhere")
    provide_zones(tmp_path / "a")
    assert os.environ["TZDIR"] == "elsewhere"
    monkeypatch.delenv("TZDIR")
    provide_zones(tmp_path / "b")
    assert Path(os.environ["TZDIR"], "Asia/Shanghai").is_file()


def test_a_machine_with_zones_keeps_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They may be newer."""
    monkeypatch.setenv("TZDIR", "")
    monkeypatch.delenv("TZDIR")
    (tmp_path / "UTC").touch()
    provide_zones(tmp_path)
    assert "TZDIR" not in os.environ
