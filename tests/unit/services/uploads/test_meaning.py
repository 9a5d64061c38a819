"""What is said of a file over HTTP: never the path of another."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from jifen.services.imports.mapping import InvalidMapping, shipped_mappings
from jifen.services.imports.proposals import Kind, propose_mapping
from jifen.services.uploads.meaning import mapping_text, read_mapping

MEMBERS = '{"name": {"zh": "会员", "en": "M"}, "source": "crm", "columns": {"identities": {"phone": "tel"}}}'


def test_names_of_shipped_mappings() -> None:
    """For orders; what was shipped is kept as its text."""
    for name in shipped_mappings():
        text = mapping_text("orders", f" {name}\n")
        assert text is not None and "columns:" in text
        with pytest.raises(InvalidMapping):
            mapping_text("members", name)


def test_json_is_yaml() -> None:
    """A mapping may come as either."""
    assert mapping_text("members", MEMBERS) == MEMBERS


@pytest.mark.parametrize("said", [None, "", " \n"])
def test_without_a_mapping(said: str | None) -> None:
    """One is proposed."""
    assert [mapping_text(kind, said) for kind in get_args(Kind)] == [None, None, None]


@pytest.mark.parametrize("kind", ["members", "orders", "balances"])
def test_paths_are_not_followed(kind: Kind, tmp_path: Path) -> None:
    """A file of the server's is not read, whatever is in it."""
    file = tmp_path / "mapping.yaml"
    file.write_text(MEMBERS)
    for said in (str(file), "/etc/passwd", "../mappings/orders", "orders.yaml", "x" * 70_000):
        with pytest.raises(InvalidMapping) as refused:
            mapping_text(kind, said)
        assert "root:" not in refused.value.message


def test_the_field_at_fault() -> None:
    """With path and line."""
    with pytest.raises(InvalidMapping) as refused:
        mapping_text(
            "members", "name: {zh: 会员, en: M}\nsource: crm\ncolumns:\n  identities: {phone: a}\n  colour: b\n"
        )
    assert (refused.value.details["path"], refused.value.details["line"]) == ("$.columns.colour", 5)
    assert "colour" in refused.value.message


def test_the_source_does_not_depend_on_the_name_of_the_file(tmp_path: Path) -> None:
    """The same balances under another name are the same balances."""
    for name in ("balances.csv", "balances (1).csv"):
        file = tmp_path / name
        file.write_text("phone,points\n13800138000,5\n")
        mapping = read_mapping("balances", propose_mapping("balances", file))
        assert mapping.source == "import:balances"
