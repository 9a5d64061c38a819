"""What the operating system says when it refuses a file, a folder or a connection, in Chinese and English."""

from __future__ import annotations

import errno
from typing import Final

_WORDS: Final[dict[int, tuple[str, str]]] = {
    errno.ENOENT: ("没有这个文件或文件夹", "there is no such file or folder"),
    errno.ENOTDIR: ("路径中间有一段不是文件夹", "a part of the path is no folder"),
    errno.EISDIR: ("它是文件夹", "it is a folder"),
    errno.EEXIST: ("已经存在", "it is there already"),
    errno.ENOTEMPTY: ("文件夹不是空的", "the folder is not empty"),
    errno.EACCES: ("没有权限", "there is no permission"),
    errno.EPERM: ("没有权限", "there is no permission"),
    errno.EROFS: ("磁盘是只读的", "the disk is read-only"),
    errno.ENOSPC: ("磁盘空间不足", "no space is left on the disk"),
    errno.EDQUOT: ("磁盘配额已用完", "the quota of the disk is used up"),
    errno.EFBIG: ("文件过大", "the file is too large"),
    errno.ENAMETOOLONG: ("名称过长", "the name is too long"),
    errno.ELOOP: ("符号链接绕成了圈", "its symbolic links lead in a circle"),
    errno.EMFILE: ("打开的文件过多", "too many files are open"),
    errno.ENFILE: ("打开的文件过多", "too many files are open"),
    errno.EBUSY: ("正被占用", "it is in use"),
    errno.EIO: ("磁盘读写出错", "the disk cannot be read or written"),
    errno.ENOMEM: ("内存不足", "there is too little memory"),
    errno.ENXIO: ("没有这个设备", "there is no such device"),
    errno.ENODEV: ("没有这个设备", "there is no such device"),
    errno.EADDRNOTAVAIL: ("这台机器没有这个地址", "this machine has no such address"),
    errno.EADDRINUSE: ("地址已被占用", "the address is in use"),
    errno.ECONNREFUSED: ("对方拒绝连接", "the connection was refused"),
    errno.ECONNRESET: ("连接被对方断开", "the other side ended the connection"),
    errno.EPIPE: ("连接被对方断开", "the other side ended the connection"),
    errno.ETIMEDOUT: ("等待超时", "it did not answer in time"),
    errno.EHOSTUNREACH: ("到不了这台主机", "there is no way to this host"),
    errno.ENETUNREACH: ("到不了这个网络", "there is no way to this network"),
}
_UNKNOWN_HOST: Final = ("找不到这个主机名", "there is no host of this name")
_NO_PATH: Final = ("不是有效的路径", "it is no valid path")


def system_words(error: OSError | ValueError) -> tuple[str, str]:
    """Why something failed, in Chinese and English, each to stand inside a sentence. A ValueError: what was given as a
    path can be none."""
    if not isinstance(error, OSError):
        return _NO_PATH
    number = error.errno
    if number is None:
        # Made by a library, which says it in words of its own, or has nothing to say but that it waited for too long.
        return _WORDS[errno.ETIMEDOUT] if isinstance(error, TimeoutError) else _quoted(str(error))
    if number < 0:
        # So the look-up of names counts its errors.
        return _UNKNOWN_HOST
    return _WORDS.get(number) or _quoted(error.strerror or "", f"{errno.errorcode.get(number, number)}")


def _quoted(words: str, name: str = "") -> tuple[str, str]:
    """What there are no words for here, as the system says it; in Chinese by its name, where it has one."""
    words = words.rstrip(".") or name or "?"
    return (f"系统错误 {name}" if name else f"系统说“{words}”"), words
