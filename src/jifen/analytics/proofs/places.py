"""Every condition of a program, and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from jifen.analytics.proofs.report import FilePlace
from jifen.core.conditions import Condition
from jifen.core.conditions.syntax import place_of
from jifen.core.program import Program
from jifen.core.rules.book import CompiledRule

#: Line and column in the program's file of a place in one of its texts (path, line, column; all from 1). None: they
#: cannot be told.
Locate = Callable[[str, int, int], tuple[int, int] | None]


def without_file(_path: str, _line: int, _column: int) -> None:
    """For programs that come from no file."""


class Place(msgspec.Struct, frozen=True):
    """Where a condition stands. `owner` is the rule, or `tier:SET:TIER`, `reward:ID`, `draw:ID`, `approval:ID`,
    `campaign:ID`; `field` the field of a rule, or the path of any other condition in the program file."""

    owner: str
    field: str
    condition: Condition
    is_of_rule: bool = False


class PlaceInFile(msgspec.Struct, frozen=True):
    """A condition at a path of the program's file."""

    place: Place
    path: str
    locate: Locate

    def at(self, position: int) -> FilePlace:
        """Where a part of the condition stands."""
        found = self.locate(self.path, *place_of(self.place.condition.source, position))
        return FilePlace(self.path, *(found or ()))

    def words(self, position: int) -> tuple[str, str]:
        """Line and column of a part of the condition, in Chinese and in English; in the file where they are known,
        else within the condition."""
        at = self.at(position)
        if at.line is not None:
            zh = f"文件第 {at.line} 行第 {at.column} 列"
            return zh, f"line {at.line}, column {at.column} of the file"
        line, column = place_of(self.place.condition.source, position)
        return f"第 {line} 行第 {column} 列", f"line {line}, column {column}"

    def name(self, position: int) -> tuple[str, str]:
        """A part of the condition with its place, in Chinese and in English, to begin a sentence with."""
        owner, field = self.place.owner, self.place.field
        zh, en = (f"规则 {owner} 的 {field}", f"The {field} of {owner}") if self.place.is_of_rule else (field, field)
        words_zh, words_en = self.words(position)
        return f"{zh}（{words_zh}）", f"{en} ({words_en})"


class Places:
    """The conditions of a program by where they stand in its file."""

    def __init__(self, program: Program, locate: Locate) -> None:
        document = program.document
        self._program = program
        self._locate = locate
        self._rules = {rule.id: number for number, rule in enumerate(document.rules)}
        self._campaigns = {campaign.id: number for number, campaign in enumerate(document.campaigns)}

    def of_rule(self, rule: CompiledRule) -> Iterator[PlaceInFile]:
        """The conditions of a rule; one of its campaign stands there."""
        for place in places_of_rule(rule):
            path = self.path_of(rule, place.field)
            campaign = rule.document.campaign
            if campaign is not None and place.condition is self._program.campaigns[campaign].audience:
                path = f"$.campaigns[{self._campaigns[campaign]}].audience"
            yield PlaceInFile(place, path, self._locate)

    def beside_rules(self) -> Iterator[PlaceInFile]:
        """All conditions that do not belong to rules."""
        return (PlaceInFile(each, each.field, self._locate) for each in places_beside_rules(self._program))

    def path_of(self, rule: CompiledRule, field: str) -> str:
        """The path of a field of a rule."""
        return f"$.earning[{self._rules[rule.id]}].{field}"

    def at_field(self, rule: CompiledRule, field: str) -> FilePlace:
        """Where the value of a field of a rule stands."""
        path = self.path_of(rule, field)
        return FilePlace(path, *(self._locate(path, 1, 1) or ()))


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
