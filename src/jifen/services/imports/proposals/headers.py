"""What columns are called, by what they mean; and the row of a file that names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from jifen.core.rules.document import MemberField
from jifen.services.imports.cells import clean
from jifen.services.imports.mapping import FileShape
from jifen.services.imports.reading import UnreadableFile
from jifen.services.imports.tables import Table

#: Among so many first rows the one is looked for that names the columns.
_ROWS_FOR_HEADER: Final = 10
#: What columns are called, by what they mean; compared without spaces, signs and case.
IDENTITIES: Final = {
    "phone": (
        *(
            f"{whose}{what}"
            for whose in ("", "会员", "客户", "买家")
            for what in ("手机号", "手机", "手机号码", "电话")
        ),
        *("联系电话", "phone", "mobile", "cellphone", "phonenumber", "tel"),
    ),
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
MEMBERS: Final = {
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
BALANCES: Final = {
    "points": ("积分", "积分余额", "可用积分", "余额", "points", "balance", "pointsbalance"),
    "wallet": ("钱包", "账户", "积分类型", "wallet", "account"),
    "expires_at": ("到期日", "有效期", "有效期至", "过期时间", "expiresat", "expiry", "validuntil", "expirydate"),
}
ORDERS: Final = {
    "order_id": (
        "订单号",
        "订单编号",
        "订单id",
        "单号",
        "小票号",
        "流水号",
        "交易号",
        "orderid",
        "orderno",
        "ordernumber",
        "order",
        "invoiceno",
        "receipt",
        "receiptno",
    ),
    "occurred_at": (
        "下单时间",
        "订单时间",
        "订单日期",
        "成交时间",
        "付款时间",
        "支付时间",
        "交易时间",
        "交易日期",
        "日期",
        "时间",
        "occurredat",
        "orderdate",
        "ordertime",
        "invoicedate",
        "paidat",
        "soldat",
        "date",
        "time",
    ),
    "quantity": ("数量", "件数", "购买数量", "quantity", "qty", "pieces"),
    "paid": (
        "实付金额",
        "实付款",
        "实付",
        "支付金额",
        "付款金额",
        "成交金额",
        "金额",
        "小计",
        "paid",
        "paidamount",
        "amount",
        "linetotal",
        "total",
    ),
    "unit_price": ("单价", "成交单价", "价格", "unitprice", "price"),
    "currency": ("币种", "货币", "currency"),
    "line_id": ("行号", "明细号", "明细编号", "lineid", "lineno", "line"),
    "sku": ("sku", "商品编码", "商品编号", "货号", "商品条码", "条码", "stockcode", "itemcode", "article", "productid"),
    "name": ("商品名称", "商品", "品名", "productname", "product", "item", "description", "name"),
    "category": ("品类", "类目", "商品分类", "分类", "category"),
    "brand": ("品牌", "brand"),
    "channel": ("渠道", "销售渠道", "来源", "channel"),
    "store_id": ("门店编号", "门店", "店铺", "storeid", "store", "shop"),
    "refund_of": ("原订单号", "原单号", "原订单", "refundof", "originalorder", "returnof"),
    "member": ("会员标识", "identity", "memberidentity"),
}
#: What stands before the id of a field of the program among the meanings.
FIELD: Final = "field "
#: What an order file calls so is seldom the member.
_NOT_OF_ORDERS: Final = ("id",)
_DELIMITERS: Final = ("\t", ";", "|")

Names = Mapping[str, Sequence[str]]


def with_fields(meanings: Names, fields: Iterable[MemberField]) -> Names:
    """With the fields that the program declares, called by their ids and names; what is always known goes before."""
    found = dict(meanings)
    for field in fields:
        called = (field.id,) if field.name is None else (field.id, field.name.zh, field.name.en)
        found[f"{FIELD}{field.id}"] = [name for name in map(_plain, called) if name]
    return found


def find_header(file: Path, sheet: str | None, meanings: Names) -> tuple[Table, FileShape]:
    """The file with the header that says most, and how it is written: above the header there may be titles, the names
    may stand in two rows, and between them something else than a comma. Raises UnreadableFile."""
    table = Table(file, FileShape(), sheet)
    for _, number, delimiter in _better_headers(table, meanings):
        shape = FileShape(delimiter=delimiter)
        with suppress(UnreadableFile):
            better = Table(file, shape, sheet, number)
            table.close()
            return better, shape
    return table, FileShape()


def _better_headers(table: Table, meanings: Names) -> list[tuple[int, int | None, str]]:
    """What says more than the header that the table has: how many names are known, the row and the delimiter; the best
    first, of equals the upper one."""
    least = _recognised(table.header, meanings)
    found = []
    for number, cells in [(table.header_row, table.header), *islice(table.rows(), _ROWS_FOR_HEADER)]:
        for delimiter in (",", *(_DELIMITERS if table.is_text else ())):
            names = [] if cells is None else ",".join(cells).split(delimiter) if delimiter != "," else cells
            recognised = _recognised([clean(name) for name in names], meanings)
            if recognised > least:
                found.append((recognised, number, delimiter))
    return sorted(found, key=lambda header: -header[0])


def identities_of(header: Sequence[str], *, is_of_orders: bool = False) -> dict[str, str]:
    """The columns of identities, by kind."""
    if is_of_orders:
        header = [name for name in header if _plain(name) not in _NOT_OF_ORDERS]
    return named(header, IDENTITIES)


def meant(header: Sequence[str], meanings: Names, identities: Iterable[str]) -> dict[str, str]:
    """The column of each meaning; what is an identity is no field besides."""
    taken = set(identities)
    return {
        meaning: column
        for meaning, column in named(header, meanings).items()
        if column not in taken or not meaning.startswith(FIELD)
    }


def _recognised(header: Sequence[str], meanings: Names) -> int:
    identities = identities_of(header)
    return len(identities) + len(meant(header, meanings, identities.values()))


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def named(header: Sequence[str], meanings: Names) -> dict[str, str]:
    """The column of each meaning: the one that is called by the most telling of its names."""
    columns = {_plain(column): column for column in reversed(header)}
    found: dict[str, str] = {}
    for meaning, names in meanings.items():
        for name in names:
            column = columns.get(name)
            if column is not None and column not in found.values():
                found[meaning] = column
                break
    return found
