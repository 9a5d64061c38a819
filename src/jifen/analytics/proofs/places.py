"""Every condition of a program, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from jifen.core.conditions import Condition
from jifen.core.conditions.syntax import place_of
from jifen.core.program import Program
from jifen.core.rules.book import CompiledRule


class Place(msgspec.Struct, frozen=True):
    """Where a condition stands. `owner` is the rule, or `tier:SET:TIER`, `reward:ID`, `draw:ID`, `approval:ID`,
    `campaign:ID`; `field` the field of a rule, or the path of any other condition in the program file."""

    owner: str
    field: str
    condition: Condition
    is_of_rule: bool = False

    def name(self, position: int) -> tuple[str, str]:
        """A part of the condition by its line and column, in Chinese and in English, to begin a sentence with."""
        line, column = place_of(self.condition.source, position)
        if self.is_of_rule:
            zh, en = f"规则 {self.owner} 的 {self.field}", f"The {self.field} of {self.owner}"
        else:
            zh = en = self.field
        return f"{zh}（第 {line} 行第 {column} 列）", f"{en} (line {line}, column {column})"


def places_of_rule(rule: CompiledRule) -> Iterator[Place]:
    """The conditions of a rule; those of its campaign are of its audience."""
    for field, condition in (("when", rule.when), ("lines", rule.lines), ("formula", rule.formula)):
        if condition is not None:
            yield Place(rule.id, field, condition, is_of_rule=True)
    for condition in rule.audiences:
        yield Place(rule.id, "audience", condition, is_of_rule=True)


def places_beside_rules(program: Program) -> Iterator[Place]:
    """The conditions of tiers, rewards and their prices, lotteries, approval flows, and of campaigns without rules."""
    drawing = {rule.campaign for rule in program.document.rules}
    for number, (name, campaign) in enumerate(program.campaigns.items()):
        if campaign.audience is not None and name not in drawing:
            yield Place(f"campaign:{name}", f"$.campaigns[{number}].audience", campaign.audience)
    for number, tier_set in enumerate(program.tier_sets):
        for tier in tier_set.tiers:
            for field, condition in (("qualify", tier.qualify), ("keep", tier.keep)):
                if condition is not None:
                    path = f"$.tier_sets[{number}].tiers[{tier.rank}].{field}"
                    yield Place(f"tier:{tier_set.id}:{tier.id}", path, condition)
    for number, reward in enumerate(program.offers.rewards.values()):
        audiences = [(f"$.rewards[{number}].for", reward.audience)]
        audiences += [
            (f"$.rewards[{number}].prices[{rung}].for", each.audience) for rung, each in enumerate(reward.prices)
        ]
        for path, condition in audiences:
            if condition is not None:
                yield Place(f"reward:{reward.document.id}", path, condition)
    for number, draw in enumerate(program.draws.by_id.values()):
        if draw.audience is not None:
            yield Place(f"draw:{draw.document.id}", f"$.draws[{number}].for", draw.audience)
    for number, flow in enumerate(program.offers.flows.values()):
        if flow.condition is not None:
            yield Place(f"approval:{flow.document.id}", f"$.approvals[{number}].when", flow.condition)
