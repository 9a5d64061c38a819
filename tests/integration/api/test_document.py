"""The API against its own OpenAPI document, and the errors against their page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS

from jifen.api.openapi import openapi_document
from jifen.api.operations import EVENTS_PATH, OPERATIONS
from jifen.api.problems import PROBLEMS
from jifen.api.reads import READS
from tests.house.tree import PACKAGE, ROOT, read_sources
from tests.integration.api.server import Server

#: Left out: `positive_data_acceptance`. Text that fits the schema may still hold control characters, and an
#: identity that is well-formed text may still be no phone number: both are refused with 422, as documented.
CHECKED = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
]

schema = schemathesis.openapi.from_dict(openapi_document())


@schema.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    # What schemathesis takes for wrong is sometimes not sent (a null parameter): the same examples in every run.
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
def test_answers_are_as_documented(case: schemathesis.Case[Any], server: Server) -> None:
    """Whatever is sent, the answer has a documented status, media type and shape, and is never 500."""
    response = case.call(base_url=server.base, headers={"authorization": f"Bearer {server.key}"})
    # In a batch each event has a result of its own: 200 says nothing about any of them.
    names = [name for name in CHECKED if case.path != EVENTS_PATH or name != "negative_data_rejection"]
    checks: list[Any] = CHECKS.get_by_names(names)
    case.validate_response(response, checks=checks)


def test_the_document_is_served_as_it_is_made(client: httpx.Client) -> None:
    """At /schema, without a key."""
    assert msgspec.json.decode(client.get("/schema").content) == openapi_document()


def test_every_schema_has_a_plain_name_of_its_own() -> None:
    """Code made from the document calls its types by these names: two of one name would be told apart by a path."""
    names = list(openapi_document()["components"]["schemas"])
    assert [name for name in names if re.fullmatch("[A-Z][A-Za-z]*", name) is None] == []


def test_every_operation_has_an_example() -> None:
    """Of what is sent and of what comes back, and each example fits its type."""
    for operation in OPERATIONS:
        msgspec.convert(operation.example, operation.body)
        msgspec.convert(operation.example_answer, operation.answer_type)
    for read in READS:
        msgspec.convert(read.example_answer, read.answer_type)


# --- the page of errors ---

_ROW = re.compile(r"^\| `([a-z_]+)` \| ([0-9—]+) \|", re.MULTILINE)


PAGES = ("docs/reference/errors.md", "docs/zh/reference/errors.md")


def documented(name: str) -> dict[str, str]:
    """The codes of the page, with their status (or a dash)."""
    found = _ROW.findall(Path(ROOT, name).read_text("utf-8"))
    assert len(found) == len({code for code, _ in found}), "a code is documented twice"
    return dict(found)


def codes_in_the_source() -> set[str]:
    """Every code that a refusal or an error of jifen can have."""
    text = "\n".join(read_sources(PACKAGE, ".py").values())
    refused = set(re.findall(r"Refusal\(\s*\"([a-z_]+)\"", text))
    raised = set(re.findall(r"^    code(?:: ClassVar\[str\])? = \"([a-z_]+)\"", text, re.MULTILINE))
    return refused | raised


@pytest.mark.parametrize("name", PAGES)
def test_every_code_is_documented(name: str) -> None:
    """Whoever gets a code can look up what it means and how to mend it, in either language."""
    assert codes_in_the_source() - documented(name).keys() == set()


def test_every_refusal_has_a_status() -> None:
    """A refusal without a row in the table would become an internal error."""
    text = "\n".join(read_sources(PACKAGE, ".py").values())
    assert set(re.findall(r"Refusal\(\s*\"([a-z_]+)\"", text)) - PROBLEMS.keys() == set()


@pytest.mark.parametrize("name", PAGES)
def test_the_page_gives_the_status_that_is_sent(name: str) -> None:
    """And nothing is documented that does not exist."""
    statuses = {code: str(kind.status) for code, kind in PROBLEMS.items()}
    page = documented(name)
    assert {code: status for code, status in page.items() if status != "—"} == statuses
    assert page.keys() - codes_in_the_source() - statuses.keys() == set()


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_titles_are_there_in_both_languages(code: str) -> None:
    """Every screen speaks Chinese and English."""
    assert PROBLEMS[code].title.isascii()
    assert not PROBLEMS[code].title_zh.isascii()
