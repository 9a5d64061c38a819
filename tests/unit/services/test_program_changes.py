"""What changed between two programs, in words."""

from __future__ import annotations

import msgspec

from jifen.core.program import EarningRule, Ratio
from jifen.core.rules.document import Cap
from jifen.services.program_changes import changes_between, in_words
from tests.model.programs import make_document


def test_equal_programs_differ_in_nothing() -> None:
    """Nor do programs whose rules stand in another order."""
    rules = [EarningRule("a", "points", Ratio(1, 100)), EarningRule("b", "points", fixed=5)]
    document = msgspec.structs.replace(make_document(), earning=rules)
    assert changes_between(document, document) == []
    assert changes_between(document, msgspec.structs.replace(document, earning=rules[::-1])) == []


def test_every_kind_of_change_is_told() -> None:
    """New, gone, set, taken away and changed, each in both languages and with its path."""
    before = msgspec.structs.replace(
        make_document(),
        earning=[
            EarningRule("a", "points", Ratio(1, 100), when="order.total_cents > 5"),
            EarningRule("b", "points", fixed=5),
        ],
    )
    after = msgspec.structs.replace(
        before,
        earning=[
            EarningRule("a", "points", Ratio(2, 100), caps=[Cap("count", 1)]),
            EarningRule("c", "points", fixed=7),
        ],
        coefficients="best",
    )
    changes = changes_between(before, after)
    assert in_words(changes, lambda zh, _: zh) == [
        "删除规则 b",
        "新增规则 c",
        '规则 a：上限设为 [{"limit":"count","most":1,"per":"member","period":"lifetime"}]',
        '规则 a：比例由 {"points":1,"per_cents":100} 改为 {"points":2,"per_cents":100}',
        "规则 a：取消条件（原为 order.total_cents > 5）",
        "积分计划：系数合并方式设为 best",
    ]
    assert [change.path for change in changes][2] == "$.earning[id=a].caps"
    assert in_words(changes, lambda _, en: en)[0] == "The rule b is gone"
