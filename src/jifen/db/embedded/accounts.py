"""Which operating system account PostgreSQL runs as: it refuses root, so root needs another one."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from jifen.db.embedded.errors import NotPermitted


@dataclass(frozen=True)
class Account:
    """An unprivileged account for the server."""

    name: str
    uid: int
    gid: int


def choose_account(cluster: Path, run_as: str | None) -> Account | None:
    """The account of the server, or None when this process is not root and the server runs as it does.

    The owner of an existing cluster comes first, then `run_as`, then `postgres`, then `nobody`.

    Raises:
        NotPermitted: the cluster belongs to another account, or `run_as` is unknown or root.
    """
    owner = cluster.stat() if cluster.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise NotPermitted(
                f"{cluster} belongs to {_name(owner.st_uid)}; run jifen as that account or choose another --data.",
                message_zh=f"{cluster} 属于 {_name(owner.st_uid)}；请以该账户运行 jifen，或用 --data 指定其他目录。",
            )
        return None
    if owner is not None:
        return _unprivileged(
            Account(_name(owner.st_uid), owner.st_uid, owner.st_gid),
            (f" {cluster} 的所有者", f"the owner of {cluster}"),
        )
    if run_as:
        return _unprivileged(_by_name(run_as), (" JIFEN_RUN_AS ", "JIFEN_RUN_AS"))
    for name in ("postgres", "nobody"):
        try:
            return _by_name(name)
        except NotPermitted:
            continue
    raise NotPermitted(
        "PostgreSQL does not run as root: set JIFEN_RUN_AS to an unprivileged account.",
        message_zh="PostgreSQL 不以 root 运行：请把 JIFEN_RUN_AS 设为一个普通账户。",
    )


def _by_name(name: str) -> Account:
    try:
        entry = pwd.getpwnam(name)
    except KeyError as error:
        raise NotPermitted(
            f"There is no account {name!r} on this machine; set JIFEN_RUN_AS to one.",
            message_zh=f"这台机器上没有账户 {name!r}；请把 JIFEN_RUN_AS 设为已有的账户。",
        ) from error
    return Account(name, entry.pw_uid, entry.pw_gid)


def _unprivileged(account: Account, source: tuple[str, str]) -> Account:
    """The account, if it may run a server; `source`: who named it, in Chinese and English."""
    if account.uid == 0:
        zh, en = source
        raise NotPermitted(
            f"PostgreSQL does not run as root, but {en} is root; give it to another account.",
            message_zh=f"PostgreSQL 不以 root 运行，而{zh}是 root；请交给其他账户。",
        )
    return account


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def can_enter(account: Account | None, folder: Path) -> bool:
    """Whether the account can really change into the folder: tried in a forked child that becomes the account."""
    if account is None:
        return os.access(folder, os.X_OK)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
            os.chdir(folder)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def blocking_folder(account: Account, folder: Path) -> Path:
    """The first folder on the way, from the root down, which the account cannot enter."""
    for candidate in [*reversed(folder.parents), folder]:
        if not can_enter(account, candidate):
            return candidate
    return folder


def give(path: Path, account: Account | None, mode: int) -> None:
    """Hand a path of ours to the server's account."""
    # Never through a link: it could lead root out of the data folder.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if account is not None:
            os.fchown(descriptor, account.uid, account.gid)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
