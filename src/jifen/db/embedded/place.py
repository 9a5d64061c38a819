"""How the server's account reaches the programs, the cluster and the socket, without loosening any foreign folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from jifen.core.system_words import system_words
from jifen.db.embedded import binaries, namespace
from jifen.db.embedded.accounts import Account, blocking_folder, can_enter, choose_account, give
from jifen.db.embedded.cluster import Programs
from jifen.db.embedded.errors import BinariesMissing, NotPermitted
from jifen.db.embedded.layout import PORT, Layout

# `sun_path` of a Unix socket address: 108 bytes with the closing NUL.
SOCKET_PATH_LIMIT_BYTES = 107
SHORT_PARENT = Path("/tmp")  # noqa: S108 - the folder made there is checked for its owner


@dataclass(frozen=True)
class Place:
    """Programs to run, the socket folder as the server sees it, and as clients see it."""

    programs: Programs
    server_socket: Path
    client_socket: Path


def prepare(layout: Layout, run_as: str | None) -> Place:
    """Find an account and a way for it; may move this process into a private mount namespace.

    Raises:
        NotPermitted: no account, or no way into the data folder.
        BinariesMissing: the programs are not there, or do not run even when copied.
    """
    account = choose_account(layout.cluster, run_as)
    view = layout.data if can_enter(account, layout.data) else _private_view(layout, account)
    folder = binaries.bin_folder()
    if not binaries.reachable(folder, account):
        copied = binaries.copy_into(layout.data)
        folder = view / copied.relative_to(layout.data)
        if not binaries.reachable(folder, account):
            raise BinariesMissing(
                f"The PostgreSQL programs in {copied} do not run on this machine.",
                message_zh=f"{copied} 中的 PostgreSQL 程序在这台机器上不能运行。",
            )
    programs = Programs(folder, account, view, layout.data)
    if socket_fits(layout.socket):
        return Place(programs, view / layout.socket.name, layout.socket)
    short = namespace.own_folder(SHORT_PARENT, layout.socket, 0o700, None if account is None else account.uid)
    give(short, account, 0o700)
    return Place(programs, short, short)


def socket_fits(folder: Path) -> bool:
    """Whether the path of a server's socket in this folder is short enough for the operating system."""
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_LIMIT_BYTES


def _private_view(layout: Layout, account: Account | None) -> Path:
    if account is None:
        raise NotPermitted(
            f"{layout.data} cannot be entered; choose another --data.",
            message_zh=f"无法进入 {layout.data}；请用 --data 指定其他目录。",
        )
    blocking = blocking_folder(account, layout.data)
    try:
        if blocking == layout.data:
            raise NotPermitted("its own permissions are in the way", message_zh="它自身的权限不允许")
        view = namespace.enter_private_view(layout.data)
        if can_enter(account, view):
            return view
        raise NotPermitted(f"not even as {view}", message_zh=f"改从 {view} 进入也不行")
    except (OSError, NotPermitted) as error:
        why_zh = error.message_zh if isinstance(error, NotPermitted) else system_words(error)[0]
        raise NotPermitted(
            f"PostgreSQL runs as {account.name}, which may not enter {blocking}, so it cannot reach {layout.data} "
            f"({error}); choose another --data, or set JIFEN_RUN_AS to an account that may.",
            message_zh=f"PostgreSQL 以 {account.name} 运行，它不能进入 {blocking}，因而到不了 {layout.data}"
            f"（{why_zh}）；请用 --data 指定其他目录，或把 JIFEN_RUN_AS 设为能进入的账户。",
        ) from error
