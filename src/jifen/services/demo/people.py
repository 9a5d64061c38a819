"""What the members of the demo shop are called."""

from __future__ import annotations

from random import Random
from typing import Any

_FAMILY_NAMES = (
    "王",
    "李",
    "张",
    "刘",
    "陈",
    "杨",
    "赵",
    "黄",
    "周",
    "吴",
    "徐",
    "孙",
    "胡",
    "朱",
    "高",
    "林",
    "何",
    "郭",
)
_GIVEN_NAMES = {
    "female": ("梅", "静", "丽", "雅婷", "思涵", "欣怡", "佳琪", "雨桐", "晓燕", "玉兰", "诗琪", "秀英"),
    "male": ("强", "伟", "磊", "浩然", "子轩", "建国", "志强", "俊杰", "宇航", "明", "国栋", "家豪"),
}


def draw_person(random: Random) -> dict[str, Any]:
    """A name and a gender, and mostly a birthday: what `DescribePerson` says."""
    gender = "female" if random.random() < 0.62 else "male"
    said: dict[str, Any] = {
        "name": random.choice(_FAMILY_NAMES) + random.choice(_GIVEN_NAMES[gender]),
        "gender": gender,
    }
    year, month, day = random.randint(1955, 2006), random.randint(1, 12), random.randint(1, 28)
    if random.random() < 0.7:
        said["birthday"] = f"{year}-{month:02}-{day:02}"
    return said
