"""The data folder: where everything lies in it, whose it is, and its secrets."""

from __future__ import annotations

import errno
import json
import os
import secrets as random_secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from jifen.core.system_words import system_words
from jifen.db.embedded.errors import DataFolderIncomplete, DiskFull, NotDataFolder, NotPermitted

MARKER = "jifen.json"
UNFINISHED_PREFIX = "initializing-"
PORT = 5432


@dataclass(frozen=True)
class Layout:
    """The paths of one data folder (`data` is absolute)."""

    data: Path

    @property
    def marker(self) -> Path:
        """The file that makes the folder ours."""
        return self.data / MARKER

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.data / "cluster"

    @property
    def logs(self) -> Path:
        """The server's rotating logs."""
        return self.data / "logs"

    @property
    def socket(self) -> Path:
        """The folder of the Unix socket, when its path is short enough."""
        return self.data / "socket"

    @property
    def secrets(self) -> Path:
        """Passwords of the two roles, mode 0600."""
        return self.data / "secrets.json"

    @property
    def status(self) -> Path:
        """What the guardian last said about the server."""
        return self.data / "server.json"

    @property
    def guardian_log(self) -> Path:
        """What the guardian did, and what PostgreSQL said before its own log was open."""
        return self.data / "guardian.log"

    @property
    def settings(self) -> Path:
        """The generated part of PostgreSQL's configuration, rewritten at each start."""
        return self.data / "jifen.conf"

    @property
    def override(self) -> Path:
        """The user's own PostgreSQL settings, read last."""
        return self.data / "postgresql.override.conf"

    @property
    def restoring(self) -> Path:
        """Exists while a restore is under way (or was interrupted)."""
        return self.data / "restoring"

    def lock(self, name: str) -> Path:
        """A lock file: `users`, `start`, `guardian`, `server` or `serving`."""
        return self.data / f"{name}.lock"


@dataclass(frozen=True, repr=False)
class Secrets:
    """Passwords of the superuser `jifen_admin` and of the owner role `jifen`."""

    admin_password: str
    owner_password: str


def default_data_folder() -> Path:
    """Where the data lies when nobody says otherwise: /var/lib/jifen for root, else below the XDG data home."""
    if os.geteuid() == 0:
        return Path("/var/lib/jifen")
    base = os.environ.get("XDG_DATA_HOME", "")
    # The XDG specification says that a relative path is to be ignored.
    root = Path(base) if base.startswith("/") else Path.home() / ".local" / "share"
    return root / "jifen"


def open_folder(data: Path) -> Layout:
    """Make the data folder, or check that an existing one is ours.

    Raises:
        NotDataFolder: there is something else in it; nothing was touched.
        NotPermitted: it cannot be made, read or written.
        DiskFull: not even a small file fits.
    """
    layout = Layout(Path(os.path.abspath(data)).resolve())
    try:
        if not layout.data.exists():
            layout.data.mkdir(parents=True, exist_ok=True)
            os.chmod(layout.data, 0o711 if os.geteuid() == 0 else 0o700)
        check_folder(layout)
        if not layout.marker.exists():
            layout.marker.touch(mode=0o644)
            write_atomically(layout.marker, json.dumps({"format": 1}) + "\n", 0o644)
        make_traversable(layout.data)
    except FileExistsError as error:
        raise NotDataFolder(
            f"{data} is a file; name a folder with --data.", message_zh=f"{data} 是文件；请用 --data 指定目录。"
        ) from error
    except PermissionError as error:
        raise NotPermitted(
            f"The data folder {layout.data} cannot be used by this account ({error.strerror}: {error.filename}); "
            "run jifen as its owner or choose another --data.",
            message_zh=f"当前账户不能使用数据目录 {layout.data}（{system_words(error)[0]}：{error.filename}）；"
            "请以目录所有者运行，或用 --data 指定其他目录。",
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"No space left on the disk of {layout.data}; make room there.",
                message_zh=f"{layout.data} 所在磁盘已满；请腾出空间。",
            ) from error
        zh, en = system_words(error)
        raise NotPermitted(
            f"The data folder {layout.data} cannot be used ({en}); choose another --data.",
            message_zh=f"不能使用数据目录 {layout.data}（{zh}）；请用 --data 指定其他目录。",
        ) from error
    return layout


def check_folder(layout: Layout) -> None:
    """Refuse a folder that holds foreign things.

    Raises:
        NotDataFolder: it is not empty and lacks the marker file.
    """
    if not layout.data.is_dir():
        raise NotDataFolder(
            f"{layout.data} is not a folder; name a folder with --data.",
            message_zh=f"{layout.data} 不是目录；请用 --data 指定目录。",
        )
    if not layout.marker.exists() and any(layout.data.iterdir()):
        raise NotDataFolder(
            f"{layout.data} is not empty and not a data folder of jifen; it was left untouched. "
            "Name an empty or a new folder with --data.",
            message_zh=f"{layout.data} 中有别的内容；请用 --data 指定空目录或新目录。",
        )


def make_traversable(data: Path) -> None:
    """As root, let the unprivileged server account pass through our own folder (not read it)."""
    state = data.stat()
    if os.geteuid() == 0 and state.st_uid == 0 and state.st_mode & 0o111 != 0o111:
        os.chmod(data, (state.st_mode & 0o7777) | 0o111)  # noqa: S103 - passing through, not reading


def write_atomically(path: Path, text: str, mode: int) -> None:
    """Replace a file as a whole, durably."""
    temporary = path.with_name(f"{path.name}.{random_secrets.token_hex(4)}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_secrets(layout: Layout) -> Secrets:
    """Read the passwords of this data folder.

    Raises:
        DataFolderIncomplete: there is no readable secrets.json.
        NotPermitted: it belongs to somebody else.
    """
    try:
        return Secrets(**json.loads(layout.secrets.read_text(encoding="utf-8")))
    except PermissionError as error:
        raise NotPermitted(
            f"{layout.secrets} may only be read by the account that owns it; run jifen as that account.",
            message_zh=f"{layout.secrets} 只有其所有者可以读取；请以该账户运行 jifen。",
        ) from error
    except (FileNotFoundError, ValueError, TypeError) as error:
        raise DataFolderIncomplete(
            f"{layout.secrets} is missing or damaged, so the database in {layout.data} cannot be opened; "
            "put the file back from a backup (each backup holds a copy).",
            message_zh=f"{layout.secrets} 缺失或已损坏，因此无法打开 {layout.data} 中的数据库；请从备份中放回该文件"
            f"（每个备份都有一份）。",
        ) from error


def make_secrets(layout: Layout) -> Secrets:
    """The passwords of a cluster that is about to be made: those already written, else new ones.

    Those already written belong to a first start that was interrupted before its cluster was in place.
    """
    if layout.secrets.exists():
        return read_secrets(layout)
    made = Secrets(random_secrets.token_urlsafe(32), random_secrets.token_urlsafe(32))
    write_atomically(layout.secrets, json.dumps(asdict(made)) + "\n", 0o600)
    return made
