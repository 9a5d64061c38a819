"""A server that does nothing: what the load generator itself can reach.

`python -m bench.bare PORT` answers every POST as if its one event had been applied.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from granian.constants import Interfaces, Loops
from granian.server import Server

_BODY = b'{"status":"applied"}'
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())],
}
_END = {"type": "http.response.body", "body": _BODY}

Message = dict[str, Any]


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """The bare ASGI callable."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send(_START)
    await send(_END)


def main() -> None:
    """Serve until told to stop."""
    Server(
        "bench.bare:app",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGINL,
        loop=Loops.uvloop,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main()
