"""The parts of the embedded server that need no server of their own: accounts, folders, locks, errors, programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import jifen
from jifen.core.errors import JifenError
from jifen.db.embedded import EmbeddedAddress, default_data_folder, use
from jifen.db.embedded import errors as refusals
from jifen.db.embedded.accounts import choose_account
from jifen.db.embedded.binaries import copy_into
from jifen.db.embedded.locks import EXCLUSIVE, FileLock, is_held
from jifen.services.chinese import chinese_of

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes accounts, which only root may")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAddress]:
    """A server of this account, for another to be refused."""
    with use(tmp_path_factory.mktemp("shared") / "data") as address:
        yield address


@needs_root
def test_copy_replaces_an_older_version(tmp_path: Path) -> None:
    """One copy is kept: that of the installed version."""
    (tmp_path / "binaries" / "0.0.1").mkdir(parents=True)
    first = copy_into(tmp_path)
    assert copy_into(tmp_path) == first
    assert len(list((tmp_path / "binaries").iterdir())) == 1


@needs_root
def test_account_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner of a cluster first, then the setting; never root, never an unknown account."""
    none = tmp_path / "none"
    assert choose_account(none, "nobody") == choose_account(none, "nobody")
    with pytest.raises(refusals.NotPermitted, match="JIFEN_RUN_AS") as refused:
        choose_account(none, "root")
    told = "没有所需的权限：PostgreSQL 不以 root 运行，而 JIFEN_RUN_AS 是 root；请交给其他账户。"
    assert chinese_of(refused.value) == told
    with pytest.raises(refusals.NotPermitted, match="no account 'nobody-of-that-name'"):
        choose_account(none, "nobody-of-that-name")
    with pytest.raises(refusals.NotPermitted, match="root"):
        choose_account(tmp_path, None)
    os.chown(tmp_path, 12345, 12345)
    account = choose_account(tmp_path, "nobody")
    assert account is not None
    assert (account.uid, account.gid) == (12345, 12345)


@needs_root
def test_works_without_root(running: EmbeddedAddress) -> None:
    """An ordinary account uses its own folder, and is told clearly that another's is not for it."""
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    here = [str(Path(jifen.__file__).parents[1]), *(path for path in sys.path if path.endswith("site-packages"))]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if python is None or version not in str(Path(python).resolve()):
        pytest.skip("no system Python of this version, and this one may be out of reach for an ordinary account")
    program = (
        "import sys\nfrom pathlib import Path\nfrom jifen.db.embedded import use\n"
        "from jifen.core.errors import JifenError\n"
        "try:\n    with use(Path(sys.argv[1])) as address: print(Path(sys.argv[1]).stat().st_mode & 0o777)\n"
        "except JifenError as error: print(error.code)\n"
    )
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chown(folder, 65534, 65534)
        said = [
            subprocess.run(
                [python, "-c", program, target],
                user=65534,
                group=65534,
                extra_groups=[],
                env={"PYTHONPATH": os.pathsep.join(here), "HOME": folder},
                capture_output=True,
                text=True,
                check=False,
            )
            for target in (f"{folder}/data", str(running.data))
        ]
    if "ModuleNotFoundError" in said[0].stderr:
        pytest.skip("the installation is out of reach for an ordinary account")
    assert said[0].stdout.strip() == str(0o700), said[0].stderr
    assert said[1].stdout.strip() == "not_permitted", said[1].stderr


def test_default_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root has the system's place, others their own; a relative XDG path is ignored, as its specification says."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_folder() == Path("/var/lib/jifen")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/users/ming")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_data_folder() == Path("/users/ming/.local/share/jifen")
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert default_data_folder() == Path("/users/ming/.local/share/jifen")
    monkeypatch.setenv("XDG_DATA_HOME", "/data/home")
    assert default_data_folder() == Path("/data/home/jifen")


def test_lock_is_dropped_by_the_kernel(tmp_path: Path) -> None:
    """Held means held by a living process; a forked child gives its copy up at once."""
    path = tmp_path / "some.lock"
    lock = FileLock(path)
    assert lock.try_acquire(EXCLUSIVE)
    assert is_held(path)
    lock.close()
    assert not is_held(path)


def test_errors_have_codes_of_their_own() -> None:
    """Each error can be told apart by a machine, and comes back from the guardian as what it was."""
    codes = {kind.code for kind in refusals.ALL}
    assert len(codes) == len(refusals.ALL)
    for kind in refusals.ALL:
        error = refusals.from_report(kind.code, "what and how", "是什么，怎么办")
        assert type(error) is kind
        assert isinstance(error, JifenError)
        assert (error.message, error.message_zh) == ("what and how", "是什么，怎么办")
