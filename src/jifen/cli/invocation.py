"""What a command was called with: the options that every command takes, laid over the environment."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, get_type_hints

import typer

from jifen.cli.texts import Texts, language_of
from jifen.core.errors import JifenError
from jifen.settings import PREFIX, InvalidSetting, Settings

if TYPE_CHECKING:
    from jifen.db.connection import Connection
    from jifen.engine.engine import Engine

T = TypeVar("T")

_COMMON: dict[str, object] = {
    "data": Annotated[
        str | None,
        typer.Option("--data", metavar="DIR", help="数据目录 / Data folder (JIFEN_DATA).", show_default=False),
    ],
    "url": Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            help="自有 PostgreSQL 的地址 / A PostgreSQL of yours (JIFEN_DATABASE_URL).",
            show_default=False,
        ),
    ],
    "lang": Annotated[
        str | None,
        typer.Option("--lang", metavar="zh|en", help="输出语言 / Language (JIFEN_LANGUAGE).", show_default=False),
    ],
    "debug": Annotated[bool, typer.Option("--debug", help="出错时显示堆栈 / Show the traceback of an error.")],
}
_VARIABLE_OF = {"data": "DATA", "url": "DATABASE_URL", "lang": "LANGUAGE"}


class Options:
    """Options that several commands take together: a frozen dataclass of theirs. A command that has a parameter of
    such a class takes each of its fields as an option."""


class NoDatabase(JifenError):
    """The data folder holds no database yet, and this command needs one that has something in it."""

    code: ClassVar[str] = "no_database"


class Invocation:
    """One call of a command: its settings, its language, the database it works on."""

    def __init__(self, given: Mapping[str, str], environ: Mapping[str, str]) -> None:
        """`given`: values of options by the name of their variable, without the prefix."""
        self.given = dict(given)
        self._environ = environ

    @classmethod
    def of(cls, values: Mapping[str, Any], earlier: Invocation | None) -> Invocation:
        """From the values of the common options; those that stand after the command win over those before it."""
        given = {_VARIABLE_OF[name]: value for name, value in values.items() if name in _VARIABLE_OF and value}
        return cls((earlier.given if earlier else {}) | given, os.environ)

    def settings(self, **more: object) -> Settings:
        """The settings, with further options (by the name of their setting) laid over; None: not given.

        Raises:
            InvalidSetting: named after the option where one is at fault.
        """
        given = self.given | {name.upper(): str(value) for name, value in more.items() if value is not None}
        environ = dict(self._environ)
        if "DATA" in given and "DATABASE_URL" not in given:
            # Whoever names a folder means its database, whatever the environment says.
            environ.pop(PREFIX + "DATABASE_URL", None)
        environ |= {PREFIX + name: value for name, value in given.items()}
        try:
            return Settings.from_environment(environ)
        except InvalidSetting as error:
            raise _in_words_of_options(error, given) from None

    @property
    def say(self) -> Texts:
        """Chooses the wording in the language of the caller."""
        return Texts(language_of(self.settings().language, self._environ))

    @contextmanager
    def database(self, *, may_make: bool, shards: int | None = None, **more: object) -> Iterator[str]:
        """The URL of the database, ready for use. `may_make`: an empty data folder gets one.

        Raises:
            NoDatabase: there is none, and none may be made.
        """
        from jifen import log
        from jifen.services.database import database

        settings = self.settings(**more)
        if not may_make:
            refuse_empty_folder(settings)
        with database(settings, shards=shards) as url:
            # Not earlier: what the migrations log is for whoever looks for a fault in them.
            log.configure(settings)
            yield url

    def ask(self, work: Callable[[Connection], Awaitable[T]], *, may_make: bool) -> T:
        """What `work` gives on a connection to the database, which is opened as by `database`."""
        with self.database(may_make=may_make) as url:
            return run_connected(url, work)

    def run_engine(self, url: str, work: Callable[[Engine], Awaitable[T]]) -> T:
        """What `work` gives with an engine on the database, which finishes what it accepted before this returns."""
        with _ending_in_good_order():
            return asyncio.run(self._run_engine(url, work))

    async def _run_engine(self, url: str, work: Callable[[Engine], Awaitable[T]]) -> T:
        from jifen.engine.engine import Engine

        settings = self.settings()
        engine = Engine(url, lanes=settings.lanes, batch_limit=settings.batch_limit, queue_limit=settings.queue_limit)
        await engine.start()
        try:
            return await work(engine)
        finally:
            await engine.stop()


def run_connected(url: str, work: Callable[[Connection], Awaitable[T]]) -> T:
    """What `work` gives on a connection to a database that is ready for use."""

    async def run() -> T:
        from jifen.db.connection import connect

        connection = await connect(url)
        try:
            return await work(connection)
        finally:
            await connection.close(timeout=5)

    with _ending_in_good_order():
        return asyncio.run(run())


@contextmanager
def _ending_in_good_order() -> Iterator[None]:
    """SIGTERM ends what asyncio runs meanwhile as Ctrl-C does, also where a shell that started it in the background has
    it ignore Ctrl-C. It still does: the signal is held back, but asyncio has a handler for it, which it sets only in
    the place of Python's own, and which SIGTERM calls."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        yield
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        # In this order: one that came meanwhile is ignored as well.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def refuse_empty_folder(settings: Settings) -> None:
    """Raise NoDatabase where the settings mean a data folder in which no database was made yet."""
    from jifen.db.embedded import default_data_folder
    from jifen.db.embedded.layout import Layout

    data = settings.data or default_data_folder()
    if settings.database_url is None and not os.path.lexists(Layout(data).cluster):
        raise NoDatabase(
            f"There is no database in {data}; `jifen init` or `jifen serve` makes one, --data names another folder.",
            data=str(data),
        )


def _in_words_of_options(error: InvalidSetting, given: Mapping[str, str]) -> InvalidSetting:
    variable = str(error.details.get("variable", "")).removeprefix(PREFIX)
    if variable not in given:
        return error
    name = next((option for option, each in _VARIABLE_OF.items() if each == variable), variable.lower())
    message = error.message.replace(f"Environment variable {PREFIX}{variable}", f"Option --{name}")
    zh = error.message_zh and error.message_zh.replace(f"环境变量 {PREFIX}{variable}", f"选项 --{name}")
    return InvalidSetting(message, message_zh=zh, variable=PREFIX + variable)


def command(app: typer.Typer, name: str, **options: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a command; the function gets an `Invocation` first, and the command takes the common options."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        registered: Callable[..., None] = app.command(name, **options)(with_common_options(function))
        return registered

    return register


def with_common_options(function: Callable[..., None]) -> Callable[..., None]:
    """The function with the common options as parameters, given to it as one `Invocation`; `Options` as well stand as
    parameters of their own, and are given to it together."""
    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    together = {each.name: hints[each.name] for each in parameters if _are_options(hints[each.name])}

    @wraps(function)
    def call(context: typer.Context, **values: Any) -> None:
        common = {name: values.pop(name) for name in _COMMON}
        context.obj = Invocation.of(common, context.obj)
        for name, options in together.items():
            values[name] = options(**{field.name: values.pop(field.name) for field in fields(options)})
        function(context.obj, **values)

    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [
        each.replace(kind=keyword)
        for parameter in parameters
        for each in _apart(parameter.replace(annotation=hints[parameter.name]))
    ]
    common = [
        inspect.Parameter(name, keyword, default=False if name == "debug" else None, annotation=annotation)
        for name, annotation in _COMMON.items()
    ]
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    signature = inspect.Signature([context, *own, *common])
    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__annotations__ = {each.name: each.annotation for each in signature.parameters.values()}
    # Or the signature of the function itself would be looked up through it.
    del call.__wrapped__
    return call


def _are_options(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, Options)


def _apart(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    """A parameter; of `Options` each of their fields."""
    if not _are_options(parameter.annotation):
        return [parameter]
    hints = get_type_hints(parameter.annotation, include_extras=True)
    return [
        parameter.replace(name=field.name, default=field.default, annotation=hints[field.name])
        for field in fields(parameter.annotation)
    ]
