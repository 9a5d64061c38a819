"""The settings of jifen: one frozen object read once from `JIFEN_*` environment variables.

`VARIABLES` is the only list of them: `Settings.from_environment` reads by it, `python -m jifen.settings` writes
`docs/reference/settings.md` from it, and `python -m jifen.settings zh` the page in Chinese.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Final, Literal
from urllib.parse import urlsplit

import msgspec

from jifen.core.errors import JifenError
from jifen.core.nearest import nearest

PREFIX: Final = "JIFEN_"
HIDDEN: Final = "[hidden]"

# Greedy up to the last `@`: a password may itself hold an unescaped `@` or `/`, and hiding too much is the safe side.
_URL_PASSWORD: Final = re.compile(r"((?:postgres(?:ql)?|mysql|mariadb)(?:\+\w+)?://[^\s:/@?#]*):\S*@", re.IGNORECASE)
_PASSWORD_PARAMETER: Final = re.compile(r"(password\s*=\s*)('[^']*'|[^&\s#]+)", re.IGNORECASE)


class InvalidSetting(JifenError):
    """A `JIFEN_*` variable is unknown or holds a value that cannot be used."""

    code: ClassVar[str] = "setting_invalid"


def hide_passwords(text: str) -> str:
    """Give the text with the password of every database URL or connection string in it hidden."""
    return _PASSWORD_PARAMETER.sub(rf"\1{HIDDEN}", _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", text))


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """One environment variable: how it is called, what it may hold and what it is for."""

    name: str
    """Without the prefix, in capitals; in small letters it is the field of `Settings`."""
    kind: str
    """What it may hold, for people."""
    kind_zh: str
    default: str
    """What holds when it is not set, for people."""
    default_zh: str = ""
    """The same in Chinese; empty where the default is no words."""
    text: str
    """What it is for, in one or two sentences."""
    text_zh: str
    read: Callable[[str], object]
    """Turns the text into the value; raises `ValueError` with what is expected."""

    @property
    def field(self) -> str:
        """The field of `Settings` it fills."""
        return self.name.lower()


def _read_path(value: str) -> Path:
    return Path(os.path.abspath(os.path.expanduser(value)))


def _read_name(value: str) -> str:
    if any(character.isspace() for character in value):
        raise ValueError("expected a name without spaces", "须为不含空格的名称")
    return value


def _read_database_url(value: str) -> str:
    form = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
    try:
        parts = urlsplit(value)
        parts_fit = parts.scheme == "postgresql" and (parts.port is None or parts.port > 0)
    except ValueError:
        parts_fit = False
    if not parts_fit or not value.startswith("postgresql://"):
        raise ValueError(
            f"expected {form} (a special character in the password is written %XX)",
            f"须为 {form}（密码中的特殊字符写成 %XX）",
        )
    return value


def _read_whole_number(least: int, most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) <= 18 and least <= int(value) <= most):
            raise ValueError(f"expected a whole number from {least} to {most}", f"须为 {least} 至 {most} 的整数")
        return int(value)

    return read


def _read_choice(*choices: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.lower() not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}", f"须为 {'、'.join(choices)} 之一")
        return value.lower()

    return read


def _number(name: str, default: int, least: int, most: int, text: str, text_zh: str) -> Variable:
    return Variable(
        name=name,
        kind=f"whole number, {least} to {most}",
        kind_zh=f"整数，{least} 至 {most}",
        default=str(default),
        text=text,
        text_zh=text_zh,
        read=_read_whole_number(least, most),
    )


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set from outside. Command line options are laid over the environment before reading."""

    data: Path | None = None
    database_url: str | None = None
    run_as: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    lanes: int = 2
    batch_limit: int = 128
    queue_limit: int = 10_000
    line_limit: int = 1_000
    body_limit_bytes: int = 4 * 1024 * 1024
    uploads: Path | None = None
    upload_limit_bytes: int = 256 * 1024 * 1024
    upload_days: int = 7
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    shutdown_seconds: int = 30
    language: Literal["auto", "zh", "en"] = "auto"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from the environment; an empty variable counts as not set.

        Raises:
            InvalidSetting: a variable with the prefix is unknown, or a value cannot be used.
        """
        known = {PREFIX + variable.name: variable for variable in VARIABLES}
        values: dict[str, object] = {}
        for name in sorted(environ):
            if not name.startswith(PREFIX):
                continue
            if name not in known:
                zh, en = _unknown(name, list(known))
                raise InvalidSetting(en, message_zh=zh, variable=name)
            if environ[name]:
                values[known[name].field] = _read(name, known[name], environ[name])
        return msgspec.convert(values, cls)

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self._shown())})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return self._shown()

    def _shown(self) -> list[tuple[str, object]]:
        values = [(name, getattr(self, name)) for name in self.__struct_fields__]
        return [(name, hide_passwords(value) if isinstance(value, str) else value) for name, value in values]


_DEFAULTS: Final = Settings()

VARIABLES: Final[tuple[Variable, ...]] = (
    Variable(
        name="DATA",
        kind="path",
        kind_zh="路径",
        default="`/var/lib/jifen` for root, else `$XDG_DATA_HOME/jifen` or `~/.local/share/jifen`",
        default_zh="root 为 `/var/lib/jifen`，否则为 `$XDG_DATA_HOME/jifen` 或 `~/.local/share/jifen`",
        text="The data folder: the embedded PostgreSQL, its password and its logs.",
        text_zh="数据目录：内置的 PostgreSQL、它的密码和日志。",
        read=_read_path,
    ),
    Variable(
        name="DATABASE_URL",
        kind="`postgresql://` URL",
        kind_zh="`postgresql://` 地址",
        default="none: jifen runs its own PostgreSQL in the data folder",
        default_zh="无：jifen 在数据目录中运行自己的 PostgreSQL",
        text="A PostgreSQL 17 or newer of yours; jifen then starts none. Its password is never shown or logged.",
        text_zh="您自己的 PostgreSQL 17 或更新版本；此时 jifen 不再启动自己的。密码从不显示，也不写入日志。",
        read=_read_database_url,
    ),
    Variable(
        name="RUN_AS",
        kind="account name",
        kind_zh="账号名",
        default="the owner of the cluster, else `postgres`, else `nobody`",
        default_zh="数据库文件的所有者，其次 `postgres`，再次 `nobody`",
        text="The unprivileged account that runs the embedded PostgreSQL when jifen is started as root.",
        text_zh="以 root 启动 jifen 时，运行内置 PostgreSQL 的普通账号。",
        read=_read_name,
    ),
    Variable(
        name="HOST",
        kind="address or host name",
        kind_zh="地址或主机名",
        default=_DEFAULTS.host,
        text="The address to listen on. `0.0.0.0` listens on every interface: put a proxy with TLS in front.",
        text_zh="监听的地址。`0.0.0.0` 监听所有网络接口：请在前面放置带 TLS 的代理。",
        read=_read_name,
    ),
    _number("PORT", _DEFAULTS.port, 1, 65_535, "The TCP port to listen on.", "监听的 TCP 端口。"),
    _number("WORKERS", _DEFAULTS.workers, 1, 64, "How many worker processes answer HTTP.", "处理 HTTP 的工作进程数。"),
    _number(
        "LANES",
        _DEFAULTS.lanes,
        1,
        64,
        "How many batches a worker process writes at the same time; each lane holds one database connection. "
        "The first one works alone while less than half a batch waits.",
        "每个工作进程同时写入的批次数；每条通道占用一个数据库连接。等待的命令不到半批时，只有第一条通道工作。",
    ),
    _number(
        "BATCH_LIMIT",
        _DEFAULTS.batch_limit,
        1,
        10_000,
        "The most commands in one batch, that is in one commit.",
        "一批（即一次提交）最多包含的命令数。",
    ),
    _number(
        "QUEUE_LIMIT",
        _DEFAULTS.queue_limit,
        1,
        1_000_000,
        "The most commands that wait in a worker process; beyond it the answer is 503 with Retry-After.",
        "一个工作进程中最多等待的命令数；超过时应答 503 和 Retry-After。",
    ),
    _number(
        "LINE_LIMIT",
        _DEFAULTS.line_limit,
        1,
        1_000_000,
        "The most who are served at once, in a worker process, of those who want the same reward with stock; whoever "
        "comes beyond it is answered 503 with a ticket that keeps the place in line.",
        "一个工作进程同时为想要同一个有库存兑换品的多少人服务；超出的人得到 503 和保留位置的排队凭证。",
    ),
    _number(
        "BODY_LIMIT_BYTES",
        _DEFAULTS.body_limit_bytes,
        1024,
        1024 * 1024 * 1024,
        "The longest request body, in bytes; a longer one is answered 413.",
        "请求体的最大长度，以字节计；更长的应答 413。",
    ),
    Variable(
        name="UPLOADS",
        kind="folder",
        kind_zh="目录",
        default="`uploads` in the data folder; with a database of yours `jifen-uploads-UID` among the temporary files",
        default_zh="数据目录中的 `uploads`；使用您自己的数据库时为系统临时目录中的 `jifen-uploads-UID`",
        text="Where files that were uploaded to be imported lie for as long as they are needed. With servers on "
        "several machines: a folder that all of them share.",
        text_zh="上传的待导入文件在需要期间存放的目录。服务分布在多台机器时，应为它们共享的目录。",
        read=_read_path,
    ),
    _number(
        "UPLOAD_LIMIT_BYTES",
        _DEFAULTS.upload_limit_bytes,
        1024,
        1024 * 1024 * 1024 * 1024,
        "The largest file that can be uploaded to be imported, in bytes; a larger one is answered 413.",
        "可上传的导入文件的最大字节数；更大的应答 413。",
    ),
    _number(
        "UPLOAD_DAYS",
        _DEFAULTS.upload_days,
        1,
        90,
        "After so many days an uploaded file that nobody imported is deleted, and the rejects of one that was.",
        "上传后无人导入的文件，以及已导入文件的未导入行，在这么多天后删除。",
    ),
    Variable(
        name="LOG_LEVEL",
        kind="`debug`, `info`, `warning` or `error`",
        kind_zh="`debug`、`info`、`warning` 或 `error`",
        default=_DEFAULTS.log_level,
        text="The least important message that is logged.",
        text_zh="写入日志的最低级别。",
        read=_read_choice("debug", "info", "warning", "error"),
    ),
    Variable(
        name="LOG_FORMAT",
        kind="`text` or `json`",
        kind_zh="`text` 或 `json`",
        default=_DEFAULTS.log_format,
        text="How log lines look on standard error: for people, or one JSON object a line.",
        text_zh="标准错误输出上日志的样式：便于阅读的文本，或每行一个 JSON 对象。",
        read=_read_choice("text", "json"),
    ),
    _number(
        "SHUTDOWN_SECONDS",
        _DEFAULTS.shutdown_seconds,
        1,
        3600,
        "How long a stop may take to finish what was accepted, in seconds.",
        "停止时最多用多少秒处理完已接受的命令。",
    ),
    Variable(
        name="LANGUAGE",
        kind="`auto`, `zh` or `en`",
        kind_zh="`auto`、`zh` 或 `en`",
        default=_DEFAULTS.language,
        text="The language of what the command line says; `auto` goes by `LC_ALL`, `LC_MESSAGES` and `LANG`, and "
        "says both where they name neither.",
        text_zh="命令行输出的语言；`auto` 依据 `LC_ALL`、`LC_MESSAGES` 和 `LANG`，它们都未指明时两种语言都输出。",
        read=_read_choice("auto", "zh", "en"),
    ),
)


def _unknown(name: str, known: list[str]) -> tuple[str, str]:
    near = nearest(name, known)
    zh = f"是否为 {near}？" if near else f"可用的：{'、'.join(known)}。"
    en = f"did you mean {near}?" if near else f"known are {', '.join(known)}."
    return f"环境变量 {name} 不是 jifen 的设置；{zh}", f"Environment variable {name} is not a setting of jifen; {en}"


def _read(name: str, variable: Variable, value: str) -> object:
    """Read one value; the message repeats the value only where it cannot hold a secret."""
    try:
        return variable.read(value)
    except ValueError as error:
        en, zh = error.args
        is_secret = variable.name == "DATABASE_URL"
        was, was_zh = ("", "") if is_secret else (f" is {value!r}, but jifen", f" 是 {value!r}，")
        raise InvalidSetting(
            f"Environment variable {name}{was} {en}.", message_zh=f"环境变量 {name}{was_zh}{zh}。", variable=name
        ) from None


_HEADS: Final = {
    "en": (
        "# Settings",
        "",
        "[中文](../zh/reference/settings.md)",
        "",
        "jifen reads these environment variables when it starts; one that is unknown or cannot be used is refused.",
        "An empty variable counts as not set. This page is made by `python -m jifen.settings`.",
        "",
        "| variable | holds | default | for |",
        "|---|---|---|---|",
    ),
    "zh": (
        "# 设置",
        "",
        "[English](../../reference/settings.md)",
        "",
        "jifen 启动时读取这些环境变量；未知的或不能使用的会被拒绝。空的变量视为没有设置。",
        "本页由 `python -m jifen.settings zh` 生成。",
        "",
        "| 变量 | 内容 | 默认 | 用途 |",
        "|---|---|---|---|",
    ),
}


def settings_page(language: Literal["zh", "en"] = "en") -> str:
    """Write the reference page of all settings in one language, as Markdown."""
    rows = (
        (each.name, each.kind_zh, each.default_zh or each.default, each.text_zh)
        if language == "zh"
        else (each.name, each.kind, each.default, each.text)
        for each in VARIABLES
    )
    lines = [f"| `{PREFIX}{name}` | {kind} | {default} | {text} |" for name, kind, default, text in rows]
    return "\n".join([*_HEADS[language], *lines]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(settings_page("zh" if "zh" in sys.argv[1:] else "en"))
