"""Which time zones a condition may name. CEL opens whatever file a zone's name leads to, so only known names pass."""

from __future__ import annotations

import importlib.util
import os
import re
import zoneinfo
from functools import cache
from pathlib import Path
from typing import Final

_OFFSET: Final = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d", re.ASCII)
#: Depend on the machine, or stand for no zone.
_NO_ZONES: Final = {"localtime", "Factory"}
_SYSTEM: Final = Path("/usr/share/zoneinfo")


@cache
def zone_names() -> frozenset[str]:
    """The IANA names of all zones that Python knows here."""
    return frozenset(zoneinfo.available_timezones() - _NO_ZONES)


def is_zone(text: str) -> bool:
    """Whether this is the IANA name of a zone, or a fixed offset such as `+08:00`."""
    return _OFFSET.fullmatch(text) is not None or text in zone_names()


@cache
def provide_zones(system: Path = _SYSTEM) -> None:
    """Let CEL find the zones of the package tzdata where the system has none. It never asks Python, only TZDIR."""
    package = importlib.util.find_spec("tzdata")
    if "TZDIR" in os.environ or (system / "UTC").exists() or package is None or package.origin is None:
        return
    os.environ["TZDIR"] = str(Path(package.origin).parent / "zoneinfo")
