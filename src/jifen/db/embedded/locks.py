"""File locks (flock): the kernel drops them with the last process that holds them, whatever ended it."""

from __future__ import annotations

import fcntl
import os
import time
import weakref
from pathlib import Path

SHARED = fcntl.LOCK_SH
EXCLUSIVE = fcntl.LOCK_EX
PAUSE_SECONDS = 0.02

_open_locks: weakref.WeakSet[FileLock] = weakref.WeakSet()
_inherited: list[FileLock] = []


class FileLock:
    """One open description of a lock file; its descriptor is close-on-exec and is given up in forked children."""

    def __init__(self, path: Path) -> None:
        """Open (and make, mode 0600) the lock file; nothing is locked yet.

        Raises:
            OSError: the file cannot be opened.
        """
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self.held = False
        _open_locks.add(self)

    @classmethod
    def keep_inherited(cls, path: Path, descriptor: int) -> None:
        """Hold the lock that our parent took and handed to us until this process ends; our children do not hold it.

        The kernel frees it with the process, when nothing else of the process is left in the folder.
        """
        lock = cls.__new__(cls)
        lock.path = path
        lock._descriptor = descriptor
        lock.held = True
        os.set_inheritable(descriptor, False)
        _open_locks.add(lock)
        _inherited.append(lock)

    @property
    def descriptor(self) -> int:
        """The file descriptor, to be handed to a child that shall share the lock."""
        return self._descriptor

    def try_acquire(self, kind: int) -> bool:
        """Take the lock (or change its kind) without waiting; on failure nothing at all is held."""
        try:
            fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        self.held = True
        return True

    def acquire_until(self, kind: int, deadline: float) -> bool:
        """Try until `time.monotonic()` reaches `deadline`; True when the lock is held."""
        while not self.try_acquire(kind):
            if time.monotonic() >= deadline:
                return False
            time.sleep(PAUSE_SECONDS)
        return True

    def wait(self, kind: int) -> None:
        """Take the lock, however long it lasts."""
        fcntl.flock(self._descriptor, kind)
        self.held = True

    def release(self) -> None:
        """Give the lock up, keep the file open."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self.held = False

    def write(self, text: str) -> None:
        """Say who holds the lock, for people and for error messages."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)

    def read(self) -> str:
        """What the holder wrote."""
        return os.pread(self._descriptor, 4096, 0).decode(errors="replace").strip()

    def give_up(self) -> None:
        """Release and close: frees the lock even for children that share the description and have not closed it yet."""
        if self._descriptor >= 0:
            self.release()
        self.close()

    def close(self) -> None:
        """Close the file only: a child that shares the description goes on holding the lock."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self.held = False


def is_held(path: Path) -> bool:
    """Whether anyone holds the lock file exclusively, or through a shared description."""
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        return not lock.try_acquire(SHARED)
    finally:
        lock.close()


def _close_in_child() -> None:
    """A forked child must not keep its parent's locks alive; closing leaves the parent's lock as it is."""
    for lock in list(_open_locks):
        lock.close()


os.register_at_fork(after_in_child=_close_in_child)
