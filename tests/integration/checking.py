"""What holds after every test that changed a database."""

from __future__ import annotations

import asyncio

from jifen.services.verification import verify


def assert_sound(url: str) -> None:
    """Nothing of `jifen verify`'s findings."""
    report = asyncio.run(verify(url))
    assert report.findings == []
