"""Groups of commands into the engine, which may be busy with others."""

from __future__ import annotations

import asyncio
from typing import Final

from jifen.engine.engine import QueueFull
from jifen.engine.submission import Outcome, Submission
from jifen.services.imports.recording import Recorder

#: So many rows go together.
GROUP: Final = 400
IN_FLIGHT: Final = 4
_PAUSES: Final = 600
_PAUSE_SECONDS: Final = 0.1


async def send(engine: Recorder, submissions: list[Submission]) -> list[Outcome]:
    """The outcomes of a group; a full queue is waited for. Raises QueueFull after a minute."""
    if not submissions:
        return []
    for _ in range(_PAUSES):
        try:
            return await engine.submit_group(submissions)
        except QueueFull:
            await asyncio.sleep(_PAUSE_SECONDS)
    return await engine.submit_group(submissions)
