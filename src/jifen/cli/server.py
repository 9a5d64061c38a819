"""`jifen serve`: the database, the program and the HTTP server, brought up in this order."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from jifen.cli.demo import (
    DEMO_DAYS,
    DEMO_MEMBERS,
    DEMO_PROGRAM,
    DEMO_SEED,
    begin_of_shop,
    ensure_program,
    has_members,
    make_shop,
)
from jifen.cli.invocation import Invocation, command, run_connected
from jifen.cli.output import write_line, write_note
from jifen.core.counted import counted

if TYPE_CHECKING:
    from jifen.settings import Settings

STARTER_PROGRAM: Final = "starter"
DEMO_KEY_FILE: Final = "demo-api-key"


def register(app: typer.Typer) -> None:
    """Put the command below `jifen`."""
    command(app, "serve")(serve)


def serve(
    invocation: Invocation,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="工作进程数 / Worker processes (JIFEN_WORKERS).")
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="监听地址 / Address to listen on (JIFEN_HOST).")] = None,
    port: Annotated[int | None, typer.Option("--port", help="监听端口 / Port to listen on (JIFEN_PORT).")] = None,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="首次启动时生成演示商店和密钥 / Make a demo shop and a key at the first start."),
    ] = False,
) -> None:
    """启动服务 / Serve the HTTP API until SIGTERM or Ctrl-C."""
    from jifen.api.serve import serve as serve_http
    from jifen.db.embedded import claim_serving, default_data_folder

    settings = invocation.settings(workers=workers, host=host, port=port)
    data = settings.data or default_data_folder()
    with ExitStack() as held:
        if settings.database_url is None:
            held.enter_context(claim_serving(data))
        url = held.enter_context(invocation.database(may_make=True))
        now = datetime.now(UTC)
        if demo:
            begins_at = begin_of_shop(until=now)
            ensure_program(invocation, url, DEMO_PROGRAM, effective_at=begins_at)
            _prepare_demo(invocation, url, settings, data, now)
        elif ensure_program(invocation, url, STARTER_PROGRAM):
            write_note(
                invocation.say(
                    "调用接口需要密钥：jifen keys create NAME。", "Callers need a key: jifen keys create NAME."
                )
            )
        if settings.uploads is None and settings.database_url is None:
            settings = msgspec.structs.replace(settings, uploads=data / "uploads")
        code = serve_http(settings, url)
    raise typer.Exit(code)


def _prepare_demo(invocation: Invocation, url: str, settings: Settings, data: Path, now: datetime) -> None:
    """An empty database gets a small shop; without any key one is made, so that the first call needs no reading."""
    if not run_connected(url, has_members):
        summary = make_shop(invocation, url, DEMO_MEMBERS, DEMO_SEED, DEMO_DAYS, now)
        write_note(
            invocation.say(
                f"演示商店：{summary.members} 位会员，{summary.orders} 笔订单。",
                f"Demo shop: {counted(summary.members, 'members')}, {counted(summary.orders, 'orders')}.",
            )
        )
    key_file = data / DEMO_KEY_FILE
    _ensure_key(url, key_file)
    if key_file.is_file():
        write_line(invocation.say("就绪后可以试试：", "When it is ready, try:"))
        write_line(curl_line(settings, key_file))


def _ensure_key(url: str, key_file: Path) -> None:
    from jifen.db.embedded.layout import open_folder, write_atomically
    from jifen.services.keys import create_key, list_keys

    keys = run_connected(url, list_keys)
    if any(key.revoked_at is None for key in keys):
        return
    open_folder(key_file.parent)
    key = run_connected(url, lambda connection: create_key(connection, "demo"))
    write_atomically(key_file, key.secret + "\n", 0o600)


def curl_line(settings: Settings, key_file: Path) -> str:
    """An order that anybody can send from a shell; sent a second time it is a duplicate and changes nothing."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    event = (
        '{"specversion":"1.0","source":"/try","id":"order-1","type":"order.completed","subject":"phone:5550100000",'
        '"data":{"order_id":"try-1","currency":"CNY","lines":[{"line_id":"1","sku":"TEA-1","name":"龙井",'
        '"quantity":2,"paid_cents":17600}]}}'
    )
    return (
        f'curl http://{host}:{settings.port}/v1/events -H "Authorization: Bearer $(cat {shlex.quote(str(key_file))})" '
        f"-H 'Content-Type: application/cloudevents+json' -d '{event}'"
    )
