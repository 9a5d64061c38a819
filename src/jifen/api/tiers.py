"""Tiers under /v1/tiers: who would move under a draft, and recalculating everybody."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from jifen.api.drafts import Asked, Call, CheckBody
from jifen.engine.jobs import launch
from jifen.services.programs import parse_program
from jifen.services.tiers import recalculation
from jifen.services.tiers.job import MODULE
from jifen.services.tiers.preview import MAXIMUM_LISTED, Preview, preview_tiers

PREVIEW_PATH = "/v1/tiers/preview"
RECALCULATIONS_PATH = "/v1/tiers/recalculations"
RECALCULATION_PATH = f"{RECALCULATIONS_PATH}/{{recalculation_id}}"


class TierPreviewBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A draft of the program (the text of its YAML file), how many movers are listed, and behind which place: `next` of
    the page before."""

    program: Annotated[str, Meta(min_length=1)]
    limit: Annotated[int, Meta(ge=0, le=MAXIMUM_LISTED)] = 100
    after: Annotated[str, Meta(max_length=40)] | None = None


class RecalculateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`resume`: the number of one that was stopped and is to go on; left out: everybody anew."""

    resume: Annotated[str, Meta(pattern="^[1-9][0-9]{0,17}$")] | None = None


class RecalculationView(msgspec.Struct, frozen=True):
    """A recalculation. `members_moved`: of whom something changed; `error_code` and `error` when it failed."""

    recalculation_id: str
    status: recalculation.Status
    asked_at: datetime
    asked_by: str
    program_version: int
    members_done: int
    members_total: int
    members_moved: int
    error_code: str | None
    error: str | None


def view_of_recalculation(found: recalculation.Recalculation) -> RecalculationView:
    """A recalculation as the API shows it."""
    return RecalculationView(
        str(found.id),
        found.status,
        found.asked_at,
        found.asked_by,
        found.program_version,
        found.members_done,
        found.members_total,
        found.members_moved,
        found.error_code,
        found.error,
    )


async def _preview(asked: Asked) -> Preview:
    body: TierPreviewBody = asked.body
    document = parse_program(body.program)
    return await preview_tiers(asked.connection, document, datetime.now(UTC), limit=body.limit, after=body.after)


async def _recalculate(asked: Asked) -> RecalculationView:
    body: RecalculateBody = asked.body
    if body.resume is None:
        found = await recalculation.begin_recalculation(asked.connection, asked.actor)
    else:
        found = await recalculation.resume_recalculation(asked.connection, int(body.resume))
    await launch(MODULE, found.id)
    return view_of_recalculation(found)


async def _stop(asked: Asked) -> RecalculationView:
    is_number = asked.name.isascii() and asked.name.isdigit() and len(asked.name) < 19
    number = int(asked.name) if is_number else 0
    return view_of_recalculation(await recalculation.stop_recalculation(asked.connection, number))


EXAMPLE_RECALCULATION: dict[str, Any] = {
    "recalculation_id": "1",
    "status": "running",
    "asked_at": "2026-11-01T08:00:00Z",
    "asked_by": "key:1",
    "program_version": 4,
    "members_done": 120_000,
    "members_total": 480_000,
    "members_moved": 1_270,
    "error_code": None,
    "error": None,
}
_YAML = "name: {zh: 茶铺会员积分, en: Tea shop points}\n"

TIER_CALLS = (
    Call(
        name="preview_tiers",
        method="POST",
        path=PREVIEW_PATH,
        summary="Who would move under a draft of the program",
        summary_zh="预览草案会使哪些会员升降级",
        body=TierPreviewBody,
        answer_type=Preview,
        run=_preview,
        codes=("invalid_program",),
        example={"program": _YAML, "limit": 1},
        example_answer={
            "members": 480_000,
            "moving": 1_270,
            "in_grace": 35,
            "unsettled": 0,
            "moves": [{"tier_set": "level", "was": "silver", "tier": "gold", "members": 1_270}],
            "falls": [{"tier_set": "level", "was": "gold", "tier": "silver", "members": 35}],
            "movers": [
                {
                    "member_id": "100001",
                    "tier_set": "level",
                    "was": "silver",
                    "tier": "gold",
                    "cause": "recalculated",
                    "condition": "period.spent_cents >= 300000",
                    "facts": {"period.spent_cents": 310_000},
                    "falls_at": None,
                }
            ],
            "next": "0-100001",
        },
    ),
    Call(
        name="recalculate_tiers",
        method="POST",
        path=RECALCULATIONS_PATH,
        summary="Work out everybody's tiers anew",
        summary_zh="重新评定全部会员的等级",
        body=RecalculateBody,
        answer_type=RecalculationView,
        status=202,
        run=_recalculate,
        codes=("recalculation_running", "recalculation_outdated", "unknown_recalculation", "no_program"),
        example={},
        example_answer=EXAMPLE_RECALCULATION | {"members_done": 0, "members_moved": 0},
    ),
    Call(
        name="stop_recalculation",
        method="DELETE",
        path=RECALCULATION_PATH,
        summary="Stop a recalculation; one that is over stays as it is",
        summary_zh="停止重新定级（已结束的不变）",
        body=CheckBody,
        answer_type=RecalculationView,
        run=_stop,
        codes=("unknown_recalculation",),
        example={},
        example_answer=EXAMPLE_RECALCULATION | {"status": "stopped"},
    ),
)
