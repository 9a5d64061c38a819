"""What became of a rule for an event, in words for operators."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from jifen.core.conditions import Condition
from jifen.core.program import Program
from jifen.core.rules.book import CompiledRule
from jifen.core.rules.document import EarningRule, Fixed, LocalizedText, Window
from jifen.core.rules.rate import Award, Outcome, Rating, Verdict
from jifen.services.explanations.caps import cap_words
from jifen.services.explanations.words import Words

#: In this order rules are told: what gave points first, then what came near, then the others.
_ORDER: tuple[Outcome, ...] = (
    "awarded",
    "multiplied",
    "capped",
    "zero",
    "group",
    "outbid",
    "nothing_to_multiply",
    "failed",
)


class RuleWords(msgspec.Struct, frozen=True):
    """What became of a rule: `outcome` for machines, `words` for people; `points` that it gave."""

    rule: str
    name: str
    outcome: Outcome
    words: str
    points: int = 0


def told_rules(words: Words, rating: Rating) -> list[RuleWords]:
    """All rules of a rating that was made with all verdicts."""
    awards = {award.rule: award for award in rating.awards}
    return [
        RuleWords(
            verdict.rule,
            rule_name(words, verdict.rule),
            verdict.outcome,
            outcome_words(words, verdict, awards.get(verdict.rule)),
            verdict.points,
        )
        for verdict in in_order(rating.verdicts)
    ]


def in_order(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """What matters most first."""
    rank = {outcome: index for index, outcome in enumerate(_ORDER)}
    return sorted(verdicts, key=lambda each: (rank.get(each.outcome, len(rank)), each.rule))


def rule_name(words: Words, rule: str) -> str:
    """The name of a rule without quotation marks, else its id."""
    document = words.program.rules.get(rule)
    return rule if document is None or document.name is None else words.text(document.name)


def in_both_languages(program: Program, verdict: Verdict, award: Award | None) -> LocalizedText:
    """The words of one verdict, for whoever reads it."""
    return LocalizedText(
        zh=outcome_words(Words("zh", program), verdict, award), en=outcome_words(Words("en", program), verdict, award)
    )


def outcome_words(words: Words, verdict: Verdict, award: Award | None) -> str:
    """Why a rule gave what it gave, or nothing."""
    rule = words.program.rules[verdict.rule]
    match verdict.outcome:
        case "awarded" | "capped" | "zero":
            assert award is not None
            return _award_words(words, rule, verdict.outcome, award)
        case "multiplied" | "nothing_to_multiply":
            assert rule.coefficient is not None
            return words.say(f"outcome_{verdict.outcome}", times=words.times(rule.coefficient.times))
        case "outbid":
            assert rule.coefficient is not None
            times = words.times(rule.coefficient.times)
            return words.say("outcome_outbid", times=times, winner=words.rule(verdict.detail))
        case "outside_window":
            return words.say("outcome_outside_window", window=_windows(words, rule))
        case "audience":
            return words.say("outcome_audience", condition=words.conditions(_compiled(words, rule).audiences))
        case "condition":
            return words.say("outcome_condition", condition=_in_words(words, _compiled(words, rule).when))
        case "no_line":
            return words.say("outcome_no_line", condition=_in_words(words, _compiled(words, rule).lines))
        case "failed":
            return words.say("outcome_failed", message=words.failure(rule.id, verdict.detail))
        case "group":
            groups = {each.id: each for each in words.program.document.groups}
            pick = groups[rule.group or ""].pick
            return words.say(f"outcome_group_{pick}", group=rule.group, winner=words.rule(verdict.detail))


def _compiled(words: Words, rule: EarningRule) -> CompiledRule:
    return words.program.books[rule.event].by_id[rule.id]


def _in_words(words: Words, condition: Condition | None) -> str:
    return words.conditions([] if condition is None else [condition])


def _award_words(words: Words, rule: EarningRule, outcome: Outcome, award: Award) -> str:
    how = _how(words, rule, award)
    if award.coefficients:
        named = [
            words.say("how_coefficient", rule=words.rule(each), times=_times(words, each))
            for each in award.coefficients
        ]
        several = f"how_{words.program.document.coefficients}"
        how += words.say(several if len(named) > 1 else "how_coefficients", coefficients=words.join(named))
    if outcome == "zero":
        return words.say("outcome_zero", how=how)
    points = words.points(award.wallet, award.points)
    if not award.cuts:
        return words.say("outcome_awarded", how=how, points=points)
    cut = words.points(award.wallet, sum(each.points for each in award.cuts))
    caps = words.clauses(cap_words(words, each.cap, award.wallet) for each in award.cuts)
    if outcome == "capped":
        return words.say("outcome_capped", how=how, cut=cut, caps=caps)
    return words.say("outcome_cut", how=how, points=points, cut=cut, caps=caps)


def _times(words: Words, rule: str) -> str:
    coefficient = words.program.rules[rule].coefficient
    assert coefficient is not None
    return words.times(coefficient.times)


def _how(words: Words, rule: EarningRule, award: Award) -> str:
    money = words.money(award.rated_cents)
    if rule.ratio is not None:
        points = words.points(award.wallet, rule.ratio.points)
        return words.say("how_ratio", money=money, per=words.money(rule.ratio.per_cents), points=points)
    if rule.steps is not None:
        return words.say("how_steps", money=money)
    if rule.progressive is not None:
        return words.say("how_progressive", money=money)
    if rule.fixed is not None:
        fixed = Fixed(rule.fixed) if isinstance(rule.fixed, int) else rule.fixed
        return words.say(f"how_{fixed.per}", points=words.points(award.wallet, fixed.points))
    return words.say("how_formula", formula=rule.formula)


# --- windows ---


def _windows(words: Words, rule: EarningRule) -> str:
    campaign = next((each for each in words.program.document.campaigns if each.id == rule.campaign), None)
    windows = [rule.window, *([] if campaign is None else [campaign.window])]
    return words.clauses(part for window in windows for part in _window(words, window))


def _window(words: Words, window: Window) -> list[str]:
    parts = []
    if window.since is not None:
        parts.append(words.say("window_from", since=window.since))
    if window.until is not None:
        parts.append(words.say("window_to", until=window.until))
    if window.weekdays:
        parts.append(
            words.say("window_weekdays", days=words.join(words.say(f"weekday_{each}") for each in window.weekdays))
        )
    if window.hours:
        parts.append(words.say("window_hours", hours=words.join(window.hours)))
    if window.days_of_month:
        days = [words.say("window_last_day") if day == -1 else str(day) for day in window.days_of_month]
        parts.append(words.say("window_days_of_month", days=words.join(days)))
    if window.yearly:
        parts.append(words.say("window_yearly", days=words.join(window.yearly)))
    return parts
