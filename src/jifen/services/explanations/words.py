"""The plain words of explanations: numbers, money, instants and names in the language of the reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from jifen.core.calendar import start_of_day
from jifen.core.conditions import Condition
from jifen.core.counted import of_number
from jifen.core.ledger.values import LotTerms
from jifen.core.limits import NEVER
from jifen.core.program import Program
from jifen.core.rules.document import ORDER_COMPLETED, EarningRule, LocalizedText
from jifen.core.wording.conditions import condition_in_words
from jifen.core.wording.failures import failure_in_words
from jifen.core.wording.names import names_of
from jifen.core.wording.values import Locale, chosen, instant_in_words, money_in_words, quoted
from jifen.services.explanations import en, zh

Reader = Literal["operator", "member"]
TEXTS: Final[dict[Locale, dict[str, str]]] = {"zh": zh.TEXTS, "en": en.TEXTS}


class Words:
    """Says things about a program in one language to one reader. Instants are told in the program's time zone."""

    def __init__(self, locale: Locale, program: Program, reader: Reader = "operator") -> None:
        self.locale = locale
        self.program = program
        self.reader = reader
        self._texts = TEXTS[locale]
        self._names = names_of(program, locale)
        self._wallets = {wallet.id: wallet.name for wallet in program.document.wallets}
        self._campaigns = {campaign.id: campaign.name for campaign in program.document.campaigns}

    def say(self, key: str, /, **values: object) -> str:
        """A text of this language with its values. Where a text speaks to the member, operators have one about them."""
        text = self._texts.get(f"{key}_operator") if self.reader == "operator" else None
        return (text or self._texts[key]).format(**values)

    def counted(self, key: str, count: int) -> str:
        """A text with a number of something: one of it has a text of its own."""
        return self.say(f"{key}_single" if count == 1 else key, count=f"{count:,}")

    def knows(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self._texts

    def join(self, parts: Iterable[str]) -> str:
        """The parts of a list."""
        return self._texts["join"].join(parts)

    def clauses(self, parts: Iterable[str]) -> str:
        """Parts that are clauses of their own."""
        return self._texts["clauses"].join(parts)

    def text(self, text: LocalizedText) -> str:
        """A text of the program in this language."""
        return self._names.text(text)

    def quoted(self, name: str) -> str:
        """A name in the quotation marks of the language."""
        return quoted(name, self.locale)

    def failure(self, rule: str, message: str) -> str:
        """Why a rule could not be worked out, as its trace keeps it."""
        return chosen(failure_in_words(self.program, rule, message), self.locale)

    # --- conditions ---

    def conditions(self, conditions: Iterable[Condition]) -> str:
        """What conditions ask for that must all hold."""
        return self._texts["conditions"].join(
            condition_in_words(self.program, each, self.locale) for each in conditions
        )

    def fact(self, name: str) -> str:
        """What a name of conditions is called, else the name."""
        called = self._names.noun(name)
        return name if called is None else called.words

    def value_of(self, name: str, value: bool | int | str) -> str:
        """A value of such a name."""
        called = self._names.noun(name)
        return self._names.value("" if called is None else called.kind, value)

    # --- values ---

    def wallet(self, number: int) -> str:
        """The name of a wallet."""
        wallet = self.program.wallet_ids[number]
        name = self._wallets.get(wallet)
        return wallet if name is None else self.text(name)

    def points(self, wallet: int, points: int) -> str:
        """Points of a wallet, by its number."""
        name = self.wallet(wallet)
        return self.say("points", points=f"{points:,}", wallet=name if self.locale == "zh" else of_number(points, name))

    def of_lot(self, key: str, wallet: int, **values: object) -> str:
        """A sentence about points that came in: those of a qualifying wallet count, and are never spent."""
        return self.say(f"{key}_qualifying" if wallet in self.program.qualifying else key, **values)

    def sums(self, by_wallet: Mapping[int, int]) -> str:
        """Points of several wallets; those with none are left out."""
        parts = [self.points(wallet, points) for wallet, points in sorted(by_wallet.items()) if points]
        return self.join(parts) if parts else self.say("nothing")

    def money(self, cents: int) -> str:
        """An amount of the program's currency, from minor units by whole numbers alone."""
        return money_in_words(cents, self.program.document.currency, self.locale)

    def instant(self, instant: datetime) -> str:
        """Date and time in the program's zone, to the minute."""
        return instant_in_words(instant.astimezone(self.program.zone), self.locale)

    def day(self, day: date) -> str:
        """A local date."""
        return self.say("day", year=day.year, month=day.month, day=day.day)

    def times(self, times: Decimal) -> str:
        """A multiplier without needless zeros."""
        return f"{times.normalize():f}"

    def expiry(self, terms: LotTerms) -> str:
        """Until when points are valid: the last whole day where they end with a day."""
        if terms.expires_at >= NEVER:
            return self.say("expiry_never")
        zone = self.program.zone
        last = (terms.expires_at - timedelta(microseconds=1)).astimezone(zone).date()
        if start_of_day(last + timedelta(days=1), zone) == terms.expires_at:
            return self.say("expiry_day", day=self.day(last))
        return self.say("expiry_instant", instant=self.instant(terms.expires_at))

    # --- names ---

    def rule(self, rule: str) -> str:
        """A rule by its name, else by its id, in quotation marks."""
        document = self.program.rules.get(rule)
        name = None if document is None or document.name is None else self.text(document.name)
        return self.quoted(name or rule)

    def rule_for_member(self, rule: EarningRule) -> str:
        """A rule as a member may read of it: ids say nothing to them."""
        if rule.name is not None:
            name = self.quoted(self.text(rule.name))
        else:
            name = self.say("rule_unnamed_order" if rule.event == ORDER_COMPLETED else "rule_unnamed_event")
        if rule.campaign is None:
            return name
        return self.say("rule_of_campaign", campaign=self.campaign(rule.campaign), rule=name)

    def campaign(self, campaign: str) -> str:
        """The name of a campaign, else its id."""
        name = self._campaigns.get(campaign)
        return campaign if name is None else self.text(name)

    def event(self, event_type: str) -> str | None:
        """The name that the operator gave a declared type of event."""
        declared = next((each for each in self.program.document.events if each.type == event_type), None)
        return None if declared is None or declared.name is None else self.text(declared.name)

    def reason(self, code: str) -> str:
        """The name of a reason code, else the code."""
        policy = self.program.document.adjustments
        known = () if policy is None else policy.reasons
        name = next((each.name for each in known if each.code == code), None)
        return code if name is None else self.text(name)

    def transaction_kind(self, kind: str) -> str:
        """The word for a kind of transaction."""
        return self.say(f"kind_{kind}")
