"""An operation about points: done as the API does it, and what it did is shown."""

from __future__ import annotations

from collections.abc import Mapping

from jifen.cli.invocation import Invocation
from jifen.cli.members import number_of
from jifen.cli.operating import given, operate
from jifen.cli.points.telling import show_done


def do(
    invocation: Invocation, name: str, subject: str, said: Mapping[str, object], key: str | None, *, as_json: bool
) -> None:
    """Do an operation and show what it did. `subject`: the id in its path; `said`: its body, None where a field was not
    given. Raises Refused."""
    show_done(invocation, operate(invocation, name, subject, given(said), key=key), as_json=as_json)


def do_for(
    invocation: Invocation, name: str, member: str, said: Mapping[str, object], key: str | None, *, as_json: bool
) -> None:
    """Do an operation on a member, who is called by number or identity. Raises Refused."""
    do(invocation, name, str(number_of(invocation, member)), said, key, as_json=as_json)
