"""`jifen keys`: API keys."""

from __future__ import annotations

from typing import Annotated

import typer

from jifen.cli.invocation import Invocation, command
from jifen.cli.output import write_json, write_line, write_note, write_table
from jifen.cli.program import AsJson

group = typer.Typer(help="API 密钥 / API keys: make, list, revoke.")


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen keys`."""
    app.add_typer(group, name="keys")


@command(group, "create")
def create(
    invocation: Invocation,
    name: Annotated[str, typer.Argument(metavar="NAME", help="用途 / What it is for.")],
    role: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="ROLE", help="可审批的角色，可多次 / What it may approve; may be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """创建密钥，只显示一次 / Make a key. It is shown once; only its digest is kept."""
    from jifen.services.keys import create_key

    key = invocation.ask(lambda connection: create_key(connection, name, role or ()), may_make=True)
    if as_json:
        write_json({"id": key.id, "name": name, "roles": role or [], "secret": key.secret})
        return
    write_line(key.secret)
    write_note(invocation.say("密钥只显示这一次，请妥善保存。", "Keep it: it cannot be shown again."))


@command(group, "list")
def list_all(invocation: Invocation, as_json: AsJson = False) -> None:
    """列出密钥（不含密文） / List all keys, without their secrets."""
    from jifen.services.keys import list_keys

    found = invocation.ask(list_keys, may_make=False)
    if as_json:
        write_json(found)
        return
    say = invocation.say
    write_table(
        ["id", say("名称", "name"), say("角色", "roles"), say("创建时间", "created at"), say("吊销时间", "revoked at")],
        [[key.id, key.name, ", ".join(key.roles), key.created_at, key.revoked_at] for key in found],
    )


@command(group, "revoke")
def revoke(
    invocation: Invocation, key_id: Annotated[str, typer.Argument(metavar="ID", help="见 list / As `list` shows it.")]
) -> None:
    """吊销密钥 / End a key; servers that run stop taking it within seconds."""
    from jifen.services.keys import revoke_key

    invocation.ask(lambda connection: revoke_key(connection, key_id), may_make=False)
    write_line(invocation.say(f"密钥 {key_id} 已吊销。", f"The key {key_id} is revoked."))
