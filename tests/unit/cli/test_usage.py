"""Commands that are written wrong, told in both languages."""

from __future__ import annotations

import pytest
import typer.main
from typer._click.exceptions import ClickException

from jifen.cli.main import app
from jifen.cli.texts import language_of_call
from jifen.cli.usage import usage_told

COMMAND = typer.main.get_command(app)


@pytest.mark.parametrize(
    ("line", "zh", "en"),
    [
        ("members shw", "没有命令 shw。是否为 'show'？用法见 `jifen members --help`。", "No such command 'shw'"),
        ("members", "缺少命令。用法见 `jifen members --help`。", "Missing command."),
        ("verify --dta x", "没有选项 --dta。是否为 --data？", "No such option: --dta"),
        ("members show", "缺少 MEMBER。", "Missing argument 'MEMBER'."),
        ("tiers preview", "缺少 FILE|NAME。", "Missing argument 'FILE|NAME'."),
        ("serve --port", "选项 --port 后面缺少值。", "Option '--port' requires an argument."),
        ("members show 1 2", "多余的参数：2。", "Got unexpected extra argument"),
        ("serve --port many", "--port 须为整数。", "valid integer"),
        ("tiers preview starter --limit 1001", "--limit 不得大于 1000。", "less than or equal to 1000"),
        ("tiers preview starter --limit -1", "--limit 不得小于 0。", "greater than or equal to 0"),
        ("members anonymise 1", "--yes 的值不能使用：个人资料清除后无法恢复，确认请加 --yes。用法见", "add --yes"),
        ("rewards codes movie none.csv", "FILE 的值不能使用：无法读取 none.csv：", "none.csv cannot be read: "),
    ],
)
def test_wrong_usage_is_told(line: str, zh: str, en: str) -> None:
    """Each in one sentence, and with where to look where that is known."""
    with pytest.raises(ClickException) as caught:
        COMMAND.main(line.split(), prog_name="jifen", standalone_mode=False)
    told = usage_told(caught.value)
    assert told[0].startswith(zh)
    assert en in told[1]


def test_what_is_not_known_is_quoted() -> None:
    """Nothing is lost where the command line says something new."""
    assert usage_told(ClickException("The moon is full.")) == ("命令写法有误：The moon is full。", "The moon is full.")


@pytest.mark.parametrize(
    ("arguments", "environ", "language"),
    [
        (["verify", "--lang", "zh"], {"LANG": "en_GB.UTF-8"}, "zh"),
        (["--lang=en", "verify"], {"JIFEN_LANGUAGE": "zh"}, "en"),
        (["--lang", "en", "verify", "--lang", "zh"], {}, "zh"),
        (["verify"], {"JIFEN_LANGUAGE": "zh"}, "zh"),
        (["verify"], {"LANG": "zh_CN.UTF-8"}, "zh"),
        (["verify", "--lang"], {}, "both"),
        (["verify", "--lang", "fr"], {"LC_ALL": "C"}, "both"),
    ],
)
def test_the_language_of_a_call_that_failed(arguments: list[str], environ: dict[str, str], language: str) -> None:
    """Known also where its options could not be read."""
    assert language_of_call(arguments, environ) == language
