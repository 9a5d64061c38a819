"""A private mount namespace: gives the server's account a way to a data folder below a closed folder (Linux, root).

Nothing is loosened for anyone else: the bind mount exists for the guardian and its children only.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import stat
import sys
from pathlib import Path

from jifen.db.embedded.errors import NotPermitted

CLONE_NEWNS = 0x00020000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
MNT_DETACH = 2


def short_name(data: Path) -> str:
    """A short name for a data folder, the same each time."""
    return "jifen-" + hashlib.sha256(os.fsencode(data)).hexdigest()[:16]


def enter_private_view(data: Path) -> Path:
    """Move this process into its own mount namespace where `data` also appears under a short, open path.

    Raises:
        OSError: the kernel refuses.
        NotPermitted: this system has no mount namespaces, or the mount point is not ours.
    """
    if not sys.platform.startswith("linux"):
        raise NotPermitted("this system has no mount namespaces", message_zh="这个系统没有挂载命名空间")
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(CLONE_NEWNS), "unshare")
    _check(libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None), "mount / private")
    point = own_folder(mount_point(data).parent, data)
    _check(libc.mount(os.fsencode(data), os.fsencode(point), None, ctypes.c_ulong(MS_BIND), None), "bind mount")
    return point


def current() -> str:
    """A name for the mount namespace this process is in; empty where there are none."""
    try:
        return os.readlink("/proc/self/ns/mnt")
    except OSError:
        return ""


def leave_private_view(data: Path) -> None:
    """Take the short path away again, so that not even an empty folder stays behind."""
    point = mount_point(data)
    ctypes.CDLL(None, use_errno=True).umount2(os.fsencode(point), MNT_DETACH)
    # Fails when another guardian of the same folder was quicker, or when something is in it: then it is not ours.
    with contextlib.suppress(OSError):
        os.rmdir(point)


def mount_point(data: Path) -> Path:
    """The short path of a data folder in the private view."""
    parent = Path("/run") if Path("/run").is_dir() else Path("/tmp")  # noqa: S108 - the owner is checked
    return parent / short_name(data)


def own_folder(parent: Path, data: Path, mode: int = 0o711, owner: int | None = None) -> Path:
    """Make (or find) the short folder for this data folder, and make sure that it is ours and not a link.

    `owner` is the account that an earlier call gave it to, if any.

    Raises:
        NotPermitted: somebody else made a thing of that name.
    """
    folder = parent / short_name(data)
    try:
        os.mkdir(folder, mode)
        os.chmod(folder, mode)
    except FileExistsError:
        state = os.lstat(folder)
        if not stat.S_ISDIR(state.st_mode) or state.st_uid not in (os.geteuid(), owner):
            raise NotPermitted(
                f"{folder} was made by somebody else; remove it or choose another --data.",
                message_zh=f"{folder} 是别人建立的；请删除它，或用 --data 指定其他目录。",
            ) from None
    return folder


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
