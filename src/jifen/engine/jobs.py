"""Work that was asked for over HTTP and takes long: each job is a process of its own, so that the events which the
server takes meanwhile do not wait for it. What is known of a job stands in a table, so that any worker can answer."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

import asyncpg
import msgspec

from jifen.core.errors import JifenError
from jifen.engine.abandoned import when_abandoned
from jifen.settings import Settings

#: A job says so often that it is there.
BEAT_SECONDS: Final = 1.0

T = TypeVar("T")
Tell = Callable[[], Awaitable[bool]]
#: The processes that this one has started: their input stays open as long as this one lives.
_launched: set[asyncio.Task[int]] = set()


class JobFailure(msgspec.Struct, frozen=True):
    """Why a job did not come to its end. `error`: it was refused; `cause` is ours to look into; neither: it was ended
    from outside."""

    error: JifenError | None = None
    cause: Exception | None = None


def _own_chinese(error: JifenError) -> str:
    return error.message_zh or f"没有完成（{error.code}）"


def failure_told(
    failure: JobFailure, ended: str, said: tuple[str, str], chinese: Callable[[JifenError], str] = _own_chinese
) -> tuple[str, str]:
    """The code of a failure, and why, in Chinese and English: who will read it is not known as yet. `ended`: the code
    of a job that was ended from outside, as `said` tells; `chinese`: what an error says in Chinese."""
    if failure.error is not None:
        return failure.error.code, f"{chinese(failure.error)} / {failure.error.message}"
    if failure.cause is not None:
        name = type(failure.cause).__name__
        return "internal", f"jifen 自身出了问题（{name}） / {name}"
    return ended, " / ".join(said)


async def launch(module: str, number: int) -> None:
    """Start the process of a job that stands in its table: `python -m MODULE NUMBER`."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, str(number), stdin=PIPE)
    task = asyncio.create_task(_see_off(process))
    _launched.add(task)
    task.add_done_callback(_launched.discard)


async def _see_off(process: Process) -> int:
    """Keep the input of a process open until it ends."""
    code = await process.wait()
    assert process.stdin is not None
    process.stdin.close()
    return code


async def carry_out(work: Coroutine[Any, Any, T], tell: Tell | None = None) -> T | JobFailure:
    """What the work of a job comes to. It is ended when the server is gone, or as soon as `tell` (asked once a second)
    says that the job was stopped."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    when_abandoned(lambda: loop.call_soon_threadsafe(task.cancel))
    if tell is not None:
        await _watch(task, tell)
    try:
        return await task
    except asyncio.CancelledError:
        return JobFailure()
    except JifenError as error:
        return JobFailure(error)
    except Exception as error:
        return JobFailure(cause=error)


async def _watch(task: asyncio.Task[Any], tell: Tell) -> None:
    try:
        while not task.done():
            if not await tell():
                task.cancel()
            await asyncio.wait([task], timeout=BEAT_SECONDS)
        await tell()
    except BaseException:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise


def run_process(what: str, run: Callable[[Settings, int], Coroutine[Any, Any, None]]) -> None:
    """Be the process of a job: its number is the argument, the database the settings'. `what` names it in words."""
    settings = Settings.from_environment(os.environ)
    assert settings.database_url is not None, "the server sets it for its workers"
    try:
        asyncio.run(run(settings, int(sys.argv[1])))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        # With the database away nothing more can be written down: whoever asks is told that the process is gone.
        sys.exit(f"jifen: the {what} lost its database: {type(error).__name__}.")
