"""Settings come from `JIFEN_*` variables alone; what is wrong is refused, with what to do; secrets stay hidden."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from jifen.core.errors import JifenError
from jifen.settings import VARIABLES, InvalidSetting, Settings, hide_passwords, settings_page

URL = "postgresql://shop:s3cr@t/x@db.example:5433/points?connect_timeout=5"


def test_nothing_set_gives_the_defaults() -> None:
    """An empty environment is enough; variables of other programs are not looked at."""
    assert Settings.from_environment({"PATH": "/bin", "jifen_port": "1"}) == Settings()


def test_an_empty_variable_counts_as_not_set() -> None:
    """Container files often pass empty variables on."""
    assert Settings.from_environment({"JIFEN_PORT": "", "JIFEN_DATA": ""}) == Settings()


def test_every_value_is_read() -> None:
    """Each variable reaches its field with its type; the table and the fields are the same list."""
    settings = Settings.from_environment(
        {
            "JIFEN_DATA": "/srv/jifen",
            "JIFEN_DATABASE_URL": "postgresql://shop@db.example/points",
            "JIFEN_RUN_AS": "daemon",
            "JIFEN_HOST": "::1",
            "JIFEN_PORT": "65535",
            "JIFEN_WORKERS": "64",
            "JIFEN_LANES": "1",
            "JIFEN_BATCH_LIMIT": "7",
            "JIFEN_QUEUE_LIMIT": "8",
            "JIFEN_BODY_LIMIT_BYTES": "2048",
            "JIFEN_LOG_LEVEL": "Warning",
            "JIFEN_LOG_FORMAT": "json",
            "JIFEN_SHUTDOWN_SECONDS": "9",
        }
    )
    assert settings == Settings(
        data=Path("/srv/jifen"),
        database_url="postgresql://shop@db.example/points",
        run_as="daemon",
        host="::1",
        port=65535,
        workers=64,
        lanes=1,
        batch_limit=7,
        queue_limit=8,
        body_limit_bytes=2048,
        log_level="warning",
        log_format="json",
        shutdown_seconds=9,
    )
    assert tuple(variable.field for variable in VARIABLES) == Settings.__struct_fields__


def test_a_relative_data_folder_becomes_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Worker processes may stand in another folder."""
    monkeypatch.chdir(tmp_path)
    assert Settings.from_environment({"JIFEN_DATA": "here"}).data == tmp_path / "here"


def test_an_unknown_variable_is_refused_with_the_nearest_name() -> None:
    """A misspelt setting must not be ignored."""
    with pytest.raises(InvalidSetting, match=r"JIFEN_WORKER is not a setting of jifen; did you mean JIFEN_WORKERS\?"):
        Settings.from_environment({"JIFEN_WORKER": "3"})
    with pytest.raises(InvalidSetting, match="known are JIFEN_DATA, "):
        Settings.from_environment({"JIFEN_QQQQQQ": ""})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("PORT", bad) for bad in ("0", "65536", "-1", "+80", "8_0", "80 ", "８０", "x", "1.0", "9" * 5000)],
        *[("WORKERS", bad) for bad in ("0", "65")],
        *[("DATABASE_URL", bad) for bad in ("postgres://a/b", "mysql://a/b", "postgresql:a", "postgresql://h:p/d")],
        *[("LOG_LEVEL", bad) for bad in ("loud", "inf")],
        ("LOG_FORMAT", "xml"),
        ("HOST", "a b"),
    ],
)
def test_a_bad_value_is_refused(name: str, value: str) -> None:
    """The message names the variable and what is expected."""
    with pytest.raises(JifenError, match=rf"JIFEN_{name} .*expected") as caught:
        Settings.from_environment({f"JIFEN_{name}": value})
    assert caught.value.code == "setting_invalid"
    assert caught.value.details == {"variable": f"JIFEN_{name}"}


def test_the_password_is_never_shown() -> None:
    """Neither repr, nor what rich shows in a traceback, nor the refusal of a broken URL holds the password."""
    settings = Settings(database_url=URL)
    console = Console(file=io.StringIO(), width=200)
    console.print(settings)
    assert isinstance(console.file, io.StringIO)
    for shown in (repr(settings), str(settings), console.file.getvalue()):
        assert "s3cr" not in shown
        assert "t/x" not in shown
        assert "db.example:5433/points" in shown
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_environment({"JIFEN_DATABASE_URL": "postgresql://shop:s3cret:x@host:y/db"})
    assert "s3cret" not in repr(caught.value) + repr(caught.value.details)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://a:s3cret@h/d",
        "POSTGRES://a:s3cret@h/d",
        "postgresql+asyncpg://:s3cret@h",
        "postgresql://h/d?user=a&password=s3cret&x=1",
        "host=h password = 's3 s3cret' user=a",
        "cannot reach postgresql://a:p'@s3cret@h/d, giving up",
    ],
)
def test_passwords_are_hidden_in_texts(text: str) -> None:
    """Every form in which libpq takes a password."""
    assert "s3cret" not in hide_passwords(text)


def test_texts_without_a_password_stay_as_they_are() -> None:
    """Hiding must not eat what helps to find a fault."""
    for text in ("postgresql://user@host:5432/points", "see https://example.org/a:b", "password missing"):
        assert hide_passwords(text) == text


def test_the_page_has_every_variable_with_its_default() -> None:
    """The reference page is complete and its table is well formed."""
    rows = [line for line in settings_page().splitlines() if line.startswith("| `JIFEN_")]
    assert [row.split("`")[1] for row in rows] == [f"JIFEN_{variable.name}" for variable in VARIABLES]
    assert all(row.count("|") == 5 for row in rows)
