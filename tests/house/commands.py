"""What can be done over HTTP can be done on the command line: which command does it, or why none."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

COMMANDS: Final = {
    "register_member": "members register",
    "set_profile": "members profile",
    "freeze_member": "members freeze",
    "unfreeze_member": "members unfreeze",
    "close_member": "members close",
    "anonymise_member": "members anonymise",
    "describe_person": "members describe",
    "add_identities": "members identities add",
    "remove_identities": "members identities remove",
    "verify_identities": "members identities verify",
    "merge_members": "members merge",
    "undo_merge": "members undo-merge",
    "found_household": "households found",
    "join_household": "households join",
    "leave_household": "households leave",
    "spend_points": "points spend",
    "adjust_points": "points adjust",
    "transfer_points": "points gift",
    "place_hold": "points hold",
    "capture_hold": "points capture",
    "release_hold": "points release",
    "reverse_transaction": "points reverse",
    "convert_points": "points convert",
    "save_points": "points save",
    "unsave_points": "points unsave",
    "quote_offset": "points offset",
    "approve_request": "approvals approve",
    "reject_request": "approvals reject",
    "grant_tier": "tiers grant",
    "preview_tiers": "tiers preview",
    "recalculate_tiers": "tiers recalculate",
    "stop_recalculation": "tiers stop",
    "make_quote": "redemptions quote",
    "redeem_reward": "redemptions redeem",
    "approve_redemption": "redemptions approve",
    "reject_redemption": "redemptions reject",
    "pay_redemption": "redemptions pay",
    "fulfil_redemption": "redemptions fulfil",
    "cancel_redemption": "redemptions cancel",
    "return_redemption": "redemptions return",
    "write_off_coupon": "coupons write-off",
    "cancel_write_off": "coupons cancel",
    "set_stock": "rewards stock",
    "add_codes": "rewards codes",
    "draw_prize": "draws draw",
    "open_round": "draws open",
    "reveal_round": "draws reveal",
    "send_events": "events send",
    "make_draft": "program draft",
    "delete_draft": "program discard",
    "check_draft": "program check",
    "publish_draft": "program publish",
    "try_program": "rules try",
    "start_backtest": "backtest",
    "create_segment": "segments create",
    "change_segment": "segments change",
    "delete_segment": "segments delete",
    "preview_condition": "segments count",
    "add_to_segment": "segments add",
    "remove_from_segment": "segments remove",
    "stop_import": "import stop",
}
"""By the operation that changes something, or answers a body."""

WITHOUT_COMMAND: Final = {
    "upload_import": "a file on this machine is imported at once, with a dry run before: `jifen import members FILE`",
    "check_import": "`--dry-run` looks a file through",
    "start_import": "uploads lie with the server that took them; a file here is imported at once",
    "delete_import_file": "uploads lie with the server that took them, which deletes them when their time is over",
    "stop_backtest": "`jifen backtest` works in the foreground and ends with Ctrl-C",
}
"""Operations that need none, with the reason."""


def uncommanded(operations: Collection[str], commands: Collection[str]) -> list[str]:
    """Find operations that no command does. `commands`: those there are, as typed behind `jifen`."""
    return faults(COMMANDS, WITHOUT_COMMAND, operations, commands)


def faults(
    table: Mapping[str, str], reasons: Mapping[str, str], operations: Collection[str], commands: Collection[str]
) -> list[str]:
    """Find operations that stand nowhere or twice, names of none, and commands that there are not."""
    known = table.keys() | reasons.keys()
    found = [f"{name} has no command, and no reason why not" for name in operations if name not in known]
    found += [f"{name} has a command and a reason why not" for name in table.keys() & reasons.keys()]
    found += [f"{name} is no operation" for name in sorted(known - set(operations))]
    return found + [f"{name}: there is no `jifen {each}`" for name, each in table.items() if each not in commands]
