"""What stands in tables has a Chinese word, whatever it can be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

import pytest

from jifen.cli import approvals, people, uploads
from jifen.services.approvals import StateName
from jifen.services.imports.people.mapping import MemberColumns
from jifen.services.imports.proposals.mappings import Kind
from jifen.services.uploads.imports import Status

_COLUMNS = {"identities": "identity", "fields": "field"}


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (approvals.STATES, get_args(StateName)),
        (uploads.STATES, get_args(Status)),
        (uploads.KINDS, get_args(Kind)),
        (people.MEANINGS, [_COLUMNS.get(each, each) for each in MemberColumns.__struct_fields__]),
    ],
)
def test_every_value_has_a_word(words: Mapping[str, str], known: tuple[str, ...]) -> None:
    """None is left out, none is English."""
    assert words.keys() == set(known)
    assert all(re.fullmatch("[\u4e00-\u9fff]+", each) for each in words.values())
