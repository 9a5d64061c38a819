"""Reasons of the operating system, in Chinese and English."""

from __future__ import annotations

import errno
import re
import socket
from pathlib import Path

import pytest

from jifen.core.system_words import system_words

_CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_no_reason_is_english_in_chinese(number: int) -> None:
    """Known or not: by words, or by the name under which the reason can be looked up."""
    zh, en = system_words(OSError(number, "Whatever it says"))
    assert _CHINESE.search(zh) and re.fullmatch(r"系统错误 [A-Z0-9]+|[^A-Za-z]+", zh)
    assert en and not _CHINESE.search(en) and not en.endswith(".")


def test_what_really_happens(tmp_path: Path) -> None:
    """A missing file, a folder where a file should be, a file where a folder should be."""
    (tmp_path / "file").touch()
    for path, said in (
        (tmp_path / "none", ("没有这个文件或文件夹", "there is no such file or folder")),
        (tmp_path, ("它是文件夹", "it is a folder")),
        (tmp_path / "file" / "more", ("路径中间有一段不是文件夹", "a part of the path is no folder")),
    ):
        with pytest.raises(OSError, match=r"\S") as caught:
            path.read_bytes()
        assert system_words(caught.value) == said


def test_what_has_no_number() -> None:
    """Host names, time-outs, paths that can be none, and libraries with words of their own."""
    assert system_words(socket.gaierror(-2, "Name or service not known"))[0] == "找不到这个主机名"
    assert system_words(TimeoutError()) == ("等待超时", "it did not answer in time")
    assert system_words(ValueError("embedded null byte")) == ("不是有效的路径", "it is no valid path")
    assert system_words(OSError("Not a gzipped file.")) == ("系统说“Not a gzipped file”", "Not a gzipped file")
