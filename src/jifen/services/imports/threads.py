"""The parts of an import that are done in a thread, and how they end when the import does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from jifen.services.imports.recording import ImportInterrupted, Progress

T = TypeVar("T")


class Threads:
    """Runs them one at a time, and is the progress that they tell: whoever tells it after the import was cancelled is
    stopped there (ImportInterrupted)."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._is_ended = False

    def __call__(self, done: int, total: int) -> None:
        """Tell how far it is. Raises ImportInterrupted."""
        if self._is_ended:
            raise ImportInterrupted("The import was stopped; what was recorded stays.")
        self._progress(done, total)

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """What `work` gives. Cancelled, it waits for the thread all the same: the temporary databases are closed next,
        and SQLite brings the process down where one is closed while a thread is at it."""
        # No task of its own: whoever ends a loop cancels all tasks.
        running = asyncio.get_running_loop().run_in_executor(None, work, *arguments)
        try:
            return await asyncio.shield(running)
        finally:
            self._is_ended = not running.done()
            while not running.done():
                await _waited(running)
            # What it came to is nobody's any more, or has been given.
            running.exception()


async def _waited(running: asyncio.Future[Any]) -> None:
    """Wait for it, however often somebody asks for an end meanwhile."""
    try:
        await asyncio.wait([running])
    except asyncio.CancelledError:
        return
