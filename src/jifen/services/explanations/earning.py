"""What an event earned and why, in words."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from jifen.core.rules.caps import OpenCap
from jifen.core.rules.document import ORDER_COMPLETED, EarningRule
from jifen.core.rules.rate import Award
from jifen.services.explanations.caps import cap_words, cut_for_member, find_cap
from jifen.services.explanations.common import Telling, balances, member_facts, new_lots
from jifen.services.explanations.outcomes import RuleWords, rule_name
from jifen.services.explanations.told import Again, Told
from jifen.services.explanations.words import Words


def tell_earning(words: Words, told: Told) -> Telling:
    """What an event gave."""
    sums: dict[int, int] = {}
    for award in told.trace.awards:
        sums[award.wallet] = sums.get(award.wallet, 0) + award.points
    title = words.say("title_earn", points=words.sums(sums)) if any(sums.values()) else words.say("title_earn_nothing")
    if words.reader == "operator":
        lines = [*told_event(words, told), *told_facts(words, told)]
    else:
        lines = [_event_for_member(words, told), *_awards_for_member(words, told.trace.awards)]
    if words.reader == "member" and not any(sums.values()) and not any(award.cuts for award in told.trace.awards):
        lines.append(words.say("nothing_earned"))
    return Telling(title, lines + _offset(words, told) + new_lots(words, told) + balances(words, told))


def _offset(words: Words, told: Told) -> list[str]:
    """What points paid of the order."""
    dealings = told.trace.dealings
    if dealings is None or dealings.offset is None:
        return []
    paid = dealings.offset
    return [words.say("offset", money=words.money(paid.cents), points=words.points(paid.wallet, paid.points))]


# --- for operators ---


def told_event(words: Words, told: Told) -> list[str]:
    """The event, and the version of the program that rated it."""
    order, event = told.order, told.event
    event_type = event.event if event is not None else ORDER_COMPLETED
    declared = words.event(event_type)
    lines = [
        words.say(
            "told_event",
            type=event_type if declared is None else words.say("event_and_type", event=declared, type=event_type),
            occurred=words.instant(told.occurred_at),
            recorded=words.instant(told.recorded_at),
            source=told.source,
            key=told.key,
        ),
        words.say("told_program", version=told.program.version, zone=told.program.document.time_zone),
    ]
    if order is not None:
        money = words.money(sum(line.paid_cents for line in order.lines))
        lines.append(words.say("told_order", order=order.order_id, count=f"{len(order.lines):,}", money=money))
    return lines


def told_facts(words: Words, told: Told) -> list[str]:
    """What the rules saw of the member and of caps."""
    lines = []
    if told.trace.member is not None:
        lines.append(words.say("told_member", facts=member_facts(words, told.trace.member)))
    if told.trace.used:
        used = [_used_one(words, name, number) for name, number in told.trace.used.items()]
        lines.append(words.say("told_used", used=words.clauses(used)))
    return lines


def _used_one(words: Words, name: str, number: int) -> str:
    found = find_cap(words.program, name)
    wallet = _wallet_of_cap(words, name, found)
    shown = f"{number:,}"
    if found is not None and found.cap.limit == "cost_cents":
        shown = words.money(number)
    cap = cap_words(words, name, wallet)
    kind, _, rule = name.partition("/")[0].partition(":")
    if kind == "rule" and found is not None:
        cap = f"{words.rule(rule)} {cap}"
    return words.say("told_used_one", cap=cap, number=shown)


def _wallet_of_cap(words: Words, name: str, found: OpenCap | None) -> int:
    kind, _, owner = name.partition("/")[0].partition(":")
    rules = words.program.rules
    if found is not None and kind == "rule":
        return words.program.wallet_numbers[rules[owner].wallet]
    wallets = {rule.wallet for rule in rules.values() if kind != "campaign" or rule.campaign == owner}
    return words.program.wallet_numbers[min(wallets)] if len(wallets) == 1 else words.program.default_wallet


def told_again(words: Words, again: Again | None) -> list[str]:
    """Whether rating again on the kept facts comes to what was booked."""
    if again is None:
        return []
    if again.is_same:
        return [words.say("reproduced")] if again.rating.verdicts else [words.say("no_rules")]
    return [words.say("not_reproduced", kept=words.sums(again.kept), found=words.sums(again.found))]


# --- for members ---


def _event_for_member(words: Words, told: Told) -> str:
    instant = words.instant(told.occurred_at)
    order, event = told.order, told.event
    if order is not None:
        money = words.money(sum(line.paid_cents for line in order.lines))
        return words.say("event_order", instant=instant, money=money, order=order.order_id)
    event_type = "" if event is None else event.event
    declared = words.event(event_type)
    if declared is None and words.knows(f"event_{event_type}"):
        return words.say("event_other", instant=instant, event=words.say(f"event_{event_type}"))
    # The type itself says nothing to a member.
    return words.say("event_unnamed" if declared is None else "event_declared", instant=instant, event=declared)


def _awards_for_member(words: Words, awards: Iterable[Award]) -> list[str]:
    lines: list[str] = []
    for award in awards:
        rule = words.program.rules[award.rule]
        if award.points:
            lines.append(_award_for_member(words, rule, award))
            lines += _coefficients_for_member(words, award)
        name = words.rule_for_member(rule)
        lines += [cut_for_member(words, cut.cap, award.wallet, cut.points, name) for cut in award.cuts]
    # One coefficient may have multiplied several awards: said once.
    return list(dict.fromkeys(lines))


def _award_for_member(words: Words, rule: EarningRule, award: Award) -> str:
    name, points = words.rule_for_member(rule), words.points(award.wallet, award.points)
    if rule.fixed is None and rule.formula is None:
        return words.say("award_of_money", rule=name, money=words.money(award.rated_cents), points=points)
    return words.say("award", rule=name, points=points)


def _coefficients_for_member(words: Words, award: Award) -> list[str]:
    lines = [coefficient_for_member(words, each, award.wallet) for each in award.coefficients]
    if len(lines) > 1:
        lines.append(words.say(f"policy_{words.program.document.coefficients}"))
    return lines


def coefficient_for_member(words: Words, rule: str, wallet: int) -> str:
    """A coefficient as its member reads of it: 您在「双十一」活动获得双倍积分。"""
    document = words.program.rules[rule]
    assert document.coefficient is not None
    times = _times(words, document.coefficient.times, wallet)
    scope = "" if document.lines is None else words.say("scope_lines")
    if document.campaign is not None:
        return words.say("multiplied_campaign", campaign=words.campaign(document.campaign), times=times, scope=scope)
    return words.say("multiplied_rule", rule=words.rule_for_member(document), times=times, scope=scope)


def _times(words: Words, times: Decimal, wallet: int) -> str:
    key = {Decimal(2): "times_double", Decimal(3): "times_triple"}.get(times)
    if key is None:
        key = "times_many" if times > 1 else "times_less"
    return words.say(key, times=words.times(times), wallet=words.wallet(wallet))


def rules_for_member(words: Words, awards: Iterable[Award]) -> list[RuleWords]:
    """The rules that gave the member something, or multiplied it."""
    found: dict[str, RuleWords] = {}
    for award in awards:
        if not award.points:
            continue
        rule = words.program.rules[award.rule]
        told = _award_for_member(words, rule, award)
        found[award.rule] = RuleWords(award.rule, rule_name(words, award.rule), "awarded", told, award.points)
        for each in award.coefficients:
            text = coefficient_for_member(words, each, award.wallet)
            found.setdefault(each, RuleWords(each, rule_name(words, each), "multiplied", text))
    return list(found.values())
