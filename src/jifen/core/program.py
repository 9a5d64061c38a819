"""The program: what a merchant decides about points. A published version never changes.

`ProgramDocument` is the shape of the file that a person writes; `Program` is the same, checked and ready for use.
"""

from __future__ import annotations

import re
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from jifen.core.calendar import Expiry, NeverExpires, RollingExpiry, YearlyExpiry
from jifen.core.errors import JifenError
from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_WALLETS
from jifen.core.rounding import Rounding
from jifen.core.text import unfit_text

_ID = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_CURRENCY = re.compile(r"[A-Z]{3}")


class InvalidProgram(JifenError):
    """A program file that cannot become a version; `path` names the field."""

    code = "invalid_program"


class LocalizedText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text in both languages of every screen."""

    zh: str
    en: str


class Wallet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of unit that members hold."""

    id: str
    name: LocalizedText


class Ratio(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exact rate: `points` for every `per_cents` minor units of money that were paid."""

    points: int
    per_cents: int


class EarningRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an order becomes points.

    `basis` says what is rated and rounded: the order's paid total, or each line by itself.
    `pending_days` is how long points wait (for the return period) before they can be spent.
    """

    id: str
    wallet: str
    ratio: Ratio
    basis: Literal["order", "line"] = "order"
    rounding: Rounding = "floor"
    pending_days: int = 0
    expiry: Expiry = NeverExpires()


class RefundPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of points that a refund takes back but that are no longer there.

    `debt`: owed, and paid by the next points that come in; `forgive`: let go; `refuse`: the refund is refused.
    """

    spent_points: Literal["debt", "forgive", "refuse"] = "debt"


class ReturnPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of points that return to a lot (cancelled spend, released hold) which expired meanwhile.

    `expire`: they return and expire at once; `grace`: they stay valid for `grace_days` more;
    `new_lot`: they are valid as if earned now.
    """

    expired_lots: Literal["expire", "grace", "new_lot"] = "expire"
    grace_days: int = 0


class HoldPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a hold binds points when whoever places it does not say."""

    minutes: int = 30


class ProgramDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The program file, as its author writes it (docs/reference/program.md)."""

    name: LocalizedText
    currency: str
    time_zone: str
    wallets: list[Wallet]
    earning: list[EarningRule]
    register_unknown_members: bool = True
    refunds: RefundPolicy = RefundPolicy()
    returns: ReturnPolicy = ReturnPolicy()
    holds: HoldPolicy = HoldPolicy()


class Program:
    """A checked version of a program, with everything looked up that commands need often. Treat it as frozen."""

    __slots__ = ("document", "earning", "expiry_of_wallet", "version", "wallet_ids", "wallet_numbers", "zone")

    def __init__(self, version: int, document: ProgramDocument, wallet_numbers: dict[str, int]) -> None:
        self.version = version
        self.document = document
        self.zone = ZoneInfo(document.time_zone)
        self.wallet_numbers = {wallet.id: wallet_numbers[wallet.id] for wallet in document.wallets}
        self.wallet_ids = {number: wallet for wallet, number in wallet_numbers.items()}
        self.earning = [(rule, self.wallet_numbers[rule.wallet]) for rule in document.earning]
        # Points that no rule awarded (adjustments, new lots for returned points) live as long as earned ones.
        self.expiry_of_wallet: dict[int, Expiry] = dict.fromkeys(self.wallet_numbers.values(), NeverExpires())
        for rule, number in reversed(self.earning):
            self.expiry_of_wallet[number] = rule.expiry

    @property
    def default_wallet(self) -> int:
        """The number of the wallet that is meant where a command names none: the first of the file."""
        return self.wallet_numbers[self.document.wallets[0].id]


def check_document(document: ProgramDocument) -> None:
    """Raise InvalidProgram for the first thing in a program file that makes no sense, naming the field."""
    if not _CURRENCY.fullmatch(document.currency):
        raise _invalid("$.currency", f"is {document.currency!r}; write an ISO 4217 code such as CNY")
    try:
        ZoneInfo(document.time_zone)
    except (KeyError, ValueError, OSError):
        raise _invalid("$.time_zone", f"is {document.time_zone!r}; write an IANA zone such as Asia/Shanghai") from None
    _check_text("$.name", document.name)
    if not 1 <= len(document.wallets) <= MAXIMUM_WALLETS:
        raise _invalid("$.wallets", f"has {len(document.wallets)} wallets; a program has 1 to {MAXIMUM_WALLETS}")
    _check_ids("$.wallets", [wallet.id for wallet in document.wallets])
    for index, wallet in enumerate(document.wallets):
        _check_text(f"$.wallets[{index}].name", wallet.name)
    if len(document.earning) != 1:
        raise _invalid("$.earning", f"has {len(document.earning)} rules; this version of jifen takes exactly one")
    _check_ids("$.earning", [rule.id for rule in document.earning])
    wallets = {wallet.id for wallet in document.wallets}
    for index, rule in enumerate(document.earning):
        _check_rule(f"$.earning[{index}]", rule, wallets)
    _check_range("$.returns.grace_days", document.returns.grace_days, 0, 3660)
    if document.returns.expired_lots == "grace" and document.returns.grace_days == 0:
        raise _invalid("$.returns.grace_days", "is 0; the policy grace needs at least 1 day")
    _check_range("$.holds.minutes", document.holds.minutes, 1, 366 * 24 * 60)


def _check_rule(path: str, rule: EarningRule, wallets: set[str]) -> None:
    if rule.wallet not in wallets:
        raise _invalid(f"{path}.wallet", f"is {rule.wallet!r}; the program's wallets are {', '.join(sorted(wallets))}")
    _check_range(f"{path}.ratio.points", rule.ratio.points, 0, 10**9)
    _check_range(f"{path}.ratio.per_cents", rule.ratio.per_cents, 1, MAXIMUM_AMOUNT)
    _check_range(f"{path}.pending_days", rule.pending_days, 0, 3660)
    if isinstance(rule.expiry, RollingExpiry):
        _check_range(f"{path}.expiry.months", rule.expiry.months, 1, 1200)
        # The shortest months there are: points must be spendable before they expire.
        _check_range(f"{path}.pending_days", rule.pending_days, 0, 28 * rule.expiry.months - 1)
    if isinstance(rule.expiry, YearlyExpiry):
        _check_range(f"{path}.expiry.month", rule.expiry.month, 1, 12)
        _check_range(f"{path}.expiry.extra_years", rule.expiry.extra_years, 0, 100)
        longest = 29 if rule.expiry.month == 2 else 30 if rule.expiry.month in (4, 6, 9, 11) else 31
        _check_range(f"{path}.expiry.day", rule.expiry.day, 1, longest)


def _check_ids(path: str, ids: list[str]) -> None:
    for index, identifier in enumerate(ids):
        if not _ID.fullmatch(identifier):
            raise _invalid(f"{path}[{index}].id", f"is {identifier!r}; write a-z, 0-9, _ and -, 1 to 40 characters")
        if identifier in ids[:index]:
            raise _invalid(f"{path}[{index}].id", f"is {identifier!r} a second time; ids must differ")


def _check_range(path: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise _invalid(path, f"is {value}; it must lie between {least} and {most}")


def _check_text(path: str, text: LocalizedText) -> None:
    for language, value in (("zh", text.zh), ("en", text.en)):
        if not value.strip() or len(value) > 200 or unfit_text(value):
            raise _invalid(f"{path}.{language}", "must have 1 to 200 characters, without control characters")


def _invalid(path: str, message: str) -> InvalidProgram:
    return InvalidProgram(f"{path} {message}.", path=path)
