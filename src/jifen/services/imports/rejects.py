"""What an import cannot take, and why: one row a line of the file, in words for people and a code for machines."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from jifen.core.errors import JifenError
from jifen.core.refusal import Refusal
from jifen.core.system_words import system_words
from jifen.services.chinese import chinese_of
from jifen.services.imports.reading import Row

#: Reasons by code: Chinese and English; {detail} is the value or figure at fault.
REASONS = {
    "malformed_line": (
        "这一行无法读取：不是有效的 CSV，或不是只含文件开头所见字段的 JSON 对象",
        "the line cannot be read: no CSV, or no JSON object with the fields that the file begins with",
    ),
    "nested_value": (
        "值是嵌套的对象；请把其中各项写成单独的字段：{detail}",
        "the value is an object of its own; write what is in it as fields of the row: {detail}",
    ),
    "wrong_column_count": ("列数与表头不符：{detail}", "the number of fields is not that of the header: {detail}"),
    "missing_value": ("缺少值", "the value is missing"),
    "formula_without_value": (
        "公式没有计算结果；请在 Excel 中打开并保存后再导入",
        "a formula without a result; open and save the workbook in Excel",
    ),
    "cell_error": ("单元格是错误值或无效的日期：{detail}", "the cell holds an error or no day that there is: {detail}"),
    "merged_points": (
        "积分单元格跨多行合并，无法判断每行各得多少",
        "the points are one cell merged over several rows: whose they are cannot be told",
    ),
    "merged_amount": (
        "数量或金额单元格跨多行合并，无法判断每行各是多少",
        "the quantity or amount is one cell merged over several rows: how much is whose cannot be told",
    ),
    "text_not_fit": ("文字过长或含有控制字符", "the text is too long or holds control characters"),
    "invalid_instant": (
        "无法识别的日期或时间：{detail}；请在映射的 time.format 中写明格式，例如 %d/%m/%Y（Excel 日期数字：excel）",
        "not an instant in a format of the mapping: {detail}; time.format says how they are written: "
        "%d/%m/%Y, excel for the number of a day ...",
    ),
    "invalid_identity": ("无效的会员标识：{detail}", "not an identity that finds a member: {detail}"),
    "invalid_quantity": ("数量不是整数：{detail}", "the quantity is no whole number: {detail}"),
    "invalid_gender": ("无法识别的性别：{detail}", "not a gender that is known; map it under values: {detail}"),
    "invalid_birthday": (
        "无法识别的生日：{detail}；请在映射的 birthday_formats 中写明格式，例如 %d/%m/%Y（Excel 日期数字：excel）",
        "no birthday in a format of the mapping: {detail}; birthday_formats says how they are written: "
        "%d/%m/%Y, excel for the number of a day ...",
    ),
    "impossible_birthday": (
        "生日不在 1900-01-01 至今日之间：{detail}",
        "nobody was born then; a birthday lies between 1900-01-01 and today: {detail}",
    ),
    "invalid_value": ("与字段类型不符：{detail}", "does not fit the field's type: {detail}"),
    "invalid_points": (
        "积分不是非负整数：{detail}；小数、负数和逗号分节有误的数字均不导入",
        "the points are no whole number from 0 on: {detail}; neither fractions nor negative numbers are taken",
    ),
    "unknown_wallet": ("计划中没有这个积分账户：{detail}", "the program has no such wallet: {detail}"),
    "quantity_not_positive": ("数量必须大于零：{detail}", "the quantity must be positive: {detail}"),
    "quantity_too_large": ("数量超过上限：{detail}", "the quantity is beyond the limit: {detail}"),
    "invalid_amount": (
        "金额不是 1234.50 这样的十进制数：{detail}",
        "the amount is no plain decimal number such as 1234.50: {detail}",
    ),
    "negative_amount": ("金额为负：{detail}", "the amount is negative: {detail}"),
    "amount_too_large": ("金额超过上限：{detail}", "the amount is beyond the limit: {detail}"),
    "invalid_currency": ("无效的货币代码：{detail}", "not a currency code such as CNY: {detail}"),
    "member_differs": ("同一订单出现了另一位会员：{detail}", "the order began with another member: {detail}"),
    "too_many_lines": ("订单行数超过上限：{detail}", "the order has more lines than the limit: {detail}"),
    "order_incomplete": (
        "同一订单的其他行有误，整单未导入",
        "another line of the order is at fault",
    ),
    "member_incomplete": (
        "同一会员的另一行有误（第 {detail} 行），该会员的余额均未导入",
        "another row of the member is at fault (line {detail}), so none is taken",
    ),
    "unknown_member": ("没有这个会员，请先导入会员：{detail}", "no such member; import the members first: {detail}"),
    "inexact_number": (
        "表格已丢失此号码的末位数字：{detail}；请从原系统以文本导出",
        "the spreadsheet has lost digits of this number: {detail}; export it anew as text",
    ),
    "unmatched_return": (
        "退货找不到对应的购买，数量：{detail}",
        "no purchase is left to return it from: {detail}",
    ),
}

HEADER = ["file", "line", "field", "code", "reason_zh", "reason_en", "row"]


#: Where rejects are kept until the file is written: the fields of Reject.
TABLE = "CREATE TABLE rejects (line INTEGER, field TEXT, code TEXT, detail TEXT, message TEXT, message_zh TEXT);"


class RejectsNotWritten(JifenError):
    """The rejects file cannot be written where it was asked for."""

    code = "rejects_file_unwritable"


class Reject(msgspec.Struct, frozen=True, gc=False):
    """Why a line of the file was not taken. `field` is the column's name in the file; empty: the line as a whole.

    `message` is the ledger's own, where it was the ledger that refused, and `message_zh` the same in Chinese.
    """

    line: int
    field: str
    code: str
    detail: str = ""
    message: str = ""
    message_zh: str = ""

    def reasons(self) -> tuple[str, str]:
        """Why, in Chinese and in English."""
        if self.code in REASONS and not self.message:
            chinese, english = REASONS[self.code]
            return chinese.format(detail=self.detail), english.format(detail=self.detail)
        return f"账本拒绝：{self.message_zh}", f"refused by the ledger: {self.message}"


def refused_by_ledger(line: int, refusal: Refusal, field: str = "") -> Reject:
    """A line that the ledger refused."""
    return Reject(line, field, refusal.code, message=refusal.message, message_zh=chinese_of(refusal))


class Rejects:
    """The rejects of one import, however many: a temporary database of its own, which goes to disk as it grows."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", check_same_thread=False)
        self._database.execute(TABLE)
        self.count = 0

    def close(self) -> None:
        """Give the space back."""
        self._database.close()

    def add(self, reject: Reject) -> None:
        """Keep why a line was not taken."""
        self.count += 1
        self._database.execute("INSERT INTO rejects VALUES (?, ?, ?, ?, ?, ?)", msgspec.structs.astuple(reject))

    def by_line(self) -> Iterator[Reject]:
        """All of them, in the order of the file."""
        for row in self._database.execute("SELECT * FROM rejects ORDER BY line, rowid"):
            yield Reject(*row)


def write_rejects(path: Path, name: str, rejects: Iterable[Reject], rows: Iterator[Row]) -> None:
    """Write the rejects file (CSV, UTF-8) of the file of that name. Rejects come by line; `rows` is the file read once
    more, for the raw lines.

    Raises:
        RejectsNotWritten: the file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as target:
            writer = csv.writer(target)
            writer.writerow(HEADER)
            line, fields = 0, None
            for reject in rejects:
                while line < reject.line:
                    line, fields = next(rows, (reject.line, None))
                raw = _as_line(fields) if line == reject.line and fields is not None else ""
                chinese, english = reject.reasons()
                writer.writerow([name, reject.line, reject.field, reject.code, chinese, english, raw])
    except (OSError, ValueError) as error:
        raise _not_written(path, error) from None


def check_writable(path: Path) -> None:
    """Find out before hours of work that the rejects file cannot be written.

    Raises:
        RejectsNotWritten: its folder does not exist, or the like.
    """
    try:
        with path.open("a", encoding="utf-8"):
            pass
    except (OSError, ValueError) as error:
        raise _not_written(path, error) from None


def _not_written(path: Path, error: OSError | ValueError) -> RejectsNotWritten:
    zh, en = system_words(error)
    return RejectsNotWritten(
        f"{path}: the rejects file cannot be written: {en}; name another place with --rejects.",
        message_zh=f"{path}：{zh}；请用 --rejects 另选位置。",
        file=str(path),
    )


def _as_line(fields: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(fields)
    return buffer.getvalue()
