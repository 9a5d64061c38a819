"""A mapping proposed from the header and the first rows of a file, for a person to look over."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from jifen.core.program import LocalizedText
from jifen.services.imports.mapping import FileShape
from jifen.services.imports.people.mapping import BalanceColumns, BalanceMapping, MemberColumns, MemberMapping
from jifen.services.imports.people.rows import GENDERS
from jifen.services.imports.reading import UnreadableFile
from jifen.services.imports.tables import Table

_ROWS_LOOKED_AT: Final = 200
#: Among so many first rows the one is looked for that names the columns.
_ROWS_FOR_HEADER: Final = 10
#: What columns are called, by what they mean; compared without spaces, signs and case.
_IDENTITIES: Final = {
    "phone": ("手机号", "手机", "手机号码", "电话", "联系电话", "phone", "mobile", "cellphone", "phonenumber", "tel"),
    "email": ("邮箱", "电子邮箱", "邮件", "email", "mail", "emailaddress"),
    "card": ("卡号", "会员卡号", "会员卡", "card", "cardno", "cardnumber", "membercard"),
    "openid": ("openid", "微信openid"),
    "unionid": ("unionid", "微信unionid"),
    "external": (
        "会员编号",
        "会员号",
        "会员id",
        "客户编号",
        "客户号",
        "id",
        "memberid",
        "customerid",
        "customer",
        "memberno",
    ),
}
_MEANINGS: Final = {
    "name": ("姓名", "会员姓名", "客户姓名", "name", "fullname", "membername", "customername"),
    "gender": ("性别", "gender", "sex"),
    "birthday": ("生日", "出生日期", "birthday", "dateofbirth", "dob", "birthdate"),
    "registered_at": (
        "注册时间",
        "注册日期",
        "入会时间",
        "入会日期",
        "开卡日期",
        "registeredat",
        "joined",
        "joindate",
        "createdat",
    ),
    "channel": ("渠道", "注册渠道", "来源", "channel", "source"),
    "language": ("语言", "language", "locale"),
    "country": ("国家", "country"),
    "province": ("省", "省份", "province", "state"),
    "city": ("城市", "市", "city"),
    "district": ("区", "区县", "district"),
    "street": ("地址", "详细地址", "address", "street"),
    "postal_code": ("邮编", "邮政编码", "postalcode", "zip", "zipcode", "postcode"),
    "tags": ("标签", "会员标签", "tags", "labels"),
}
_BALANCE: Final = {
    "points": ("积分", "积分余额", "可用积分", "余额", "points", "balance", "pointsbalance"),
    "wallet": ("钱包", "账户", "积分类型", "wallet", "account"),
    "expires_at": ("到期日", "有效期", "有效期至", "过期时间", "expiresat", "expiry", "validuntil", "expirydate"),
}


def infer_member_mapping(file: Path, source: str | None = None, sheet: str | None = None) -> str:
    """A mapping of members as YAML, with a source named after the file unless there is one. Raises UnreadableFile."""
    with _table(file, sheet, _MEANINGS) as table:
        columns = msgspec.structs.replace(MemberColumns(_identities(table.header)), **_named(table.header, _MEANINGS))
        values = {} if columns.gender is None else _genders(table, columns.gender)
        mapping = MemberMapping(
            LocalizedText("会员", "Members"),
            source or f"import:{file.stem}",
            columns,
            sheet=sheet,
            header_row=table.header_row,
            values=values,
        )
    return _written(mapping)


def infer_balance_mapping(file: Path, source: str | None = None, sheet: str | None = None) -> str:
    """A mapping of balances as YAML, with a source named after the file unless there is one. Raises UnreadableFile."""
    with _table(file, sheet, _BALANCE) as table:
        found = _named(table.header, _BALANCE)
        columns = BalanceColumns(_identities(table.header), found.pop("points", ""), **found)
        mapping = BalanceMapping(
            LocalizedText("期初余额", "Opening balances"),
            source or f"import:{file.stem}",
            columns,
            sheet=sheet,
            header_row=table.header_row,
        )
    return _written(mapping)


def _table(file: Path, sheet: str | None, meanings: dict[str, tuple[str, ...]]) -> Table:
    """The file with the header that says most: above it there may be titles, and the names may stand in two rows."""
    best = Table(file, FileShape(), sheet)
    most = _recognised(best.header, meanings)
    for number, header in list(islice(best.rows(), _ROWS_FOR_HEADER)):
        recognised = 0 if header is None else _recognised([name.strip() for name in header], meanings)
        if recognised > most:
            try:
                better = Table(file, FileShape(), sheet, number)
            except UnreadableFile:
                continue
            best.close()
            best, most = better, recognised
    return best


def _recognised(header: Sequence[str], meanings: dict[str, tuple[str, ...]]) -> int:
    return len(_identities(header)) + len(_named(header, meanings))


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _identities(header: Sequence[str]) -> dict[str, str]:
    return _named(header, _IDENTITIES)


def _named(header: Sequence[str], meanings: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """The first column that is called like each meaning."""
    found: dict[str, str] = {}
    for meaning, names in meanings.items():
        for column in header:
            if _plain(column) in names and column not in found.values():
                found[meaning] = column
                break
    return found


def _genders(table: Table, column: str) -> dict[str, dict[str, str]]:
    """Values of the gender column that are not words for one, to be filled in."""
    place = table.header.index(column)
    seen: dict[str, str] = {}
    for _, values in islice(table.rows(), _ROWS_LOOKED_AT):
        if values is not None and values[place:]:
            text = values[place].strip()
            if text and text.lower() not in GENDERS:
                seen[text] = {"1": "male", "2": "female", "0": "unknown"}.get(text, "unknown")
    return {column: seen} if seen else {}


def _written(mapping: Any) -> str:
    body = yaml.safe_dump(msgspec.to_builtins(mapping), allow_unicode=True, sort_keys=False, width=120)
    head = (
        "# 由表头推测，请核对后使用；未识别的列没有列出。\n"
        "# Proposed from the header: look it over. Columns that were not recognised are left out.\n"
    )
    return head + body
