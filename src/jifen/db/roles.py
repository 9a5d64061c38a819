"""The role in which jifen works, and what it may do: add to the ledger, but neither change nor delete what is written.

The rights are stated as a whole and granted anew after every migration, so that the database has these and no others.
"""

from __future__ import annotations

import contextlib
from typing import Final

import asyncpg

from jifen.core.errors import JifenError
from jifen.db.connection import APPLICATION_ROLE, Connection

#: What the role may do beyond SELECT, which it has everywhere. Columns are named where only these ever change.
RIGHTS: Final[dict[str, tuple[str, ...]]] = {
    "installation": (),
    "program_versions": ("INSERT",),
    "program_drafts": ("INSERT", "UPDATE (checked_at, report, published_version)", "DELETE"),
    "backtests": (
        "INSERT",
        "UPDATE (status, transactions_read, transactions_total, seen_at, report, error_code, error)",
        "DELETE",
    ),
    "issued_days": ("INSERT",),
    "wallets": ("INSERT",),
    "api_keys": ("INSERT", "UPDATE (revoked_at)"),
    "members": ("INSERT", "UPDATE (profile, status, merged_into, person, household_id)"),
    "member_changes": ("INSERT",),
    "merges": ("INSERT", "UPDATE (moved, undone_at, undone_sequence)"),
    "households": ("INSERT", "UPDATE (name, head_id, ended_at)"),
    "identities": ("INSERT", "UPDATE (member_id, member_shard, verified_at, verified_by)", "DELETE"),
    "accounts": (
        "INSERT",
        "UPDATE (last_sequence, available, pending, held, debt, next_change_at, counters, uses, marks, status, saved)",
    ),
    "transactions": ("INSERT",),
    "movements": ("INSERT",),
    "lots": ("INSERT", "UPDATE (remaining)", "DELETE"),
    "holds": ("INSERT", "UPDATE (remaining, pieces)", "DELETE"),
    "savings": ("INSERT", "UPDATE (remaining, pieces)", "DELETE"),
    "approvals": ("INSERT", "UPDATE (state, decided_by, decided_at, decision_reason, sequence)"),
    "keys": ("INSERT",),
    "usages": ("INSERT", "UPDATE (used)"),
    "shared_usages": ("INSERT", "UPDATE (used)"),
    "member_tiers": ("INSERT", "UPDATE (tier, since, came_by, valid_until, look_at, standing)"),
    "tier_recalculations": (
        "INSERT",
        "UPDATE (status, members_done, members_total, members_moved, next_shard, after_member, seen_at, error_code, "
        "error)",
        "DELETE",
    ),
    "imports": (
        "INSERT",
        "UPDATE (file_deleted_at, mapping, is_proposed, status, attempt, percent, rows_done, rows_total, seen_at, "
        "started_at, started_by, ended_at, report, result, error_code, error)",
    ),
    "redemptions": ("INSERT", "UPDATE (last_step, state, until, content)"),
    "stocks": ("INSERT", "UPDATE (pieces, taken, changes)"),
    "stock_changes": ("INSERT",),
    "code_pool": ("INSERT", "UPDATE (member_id, sequence)"),
    "coupons": ("INSERT", "UPDATE (member_id, sequence)"),
    "draw_rounds": ("INSERT", "UPDATE (drawn, revealed_at, revealed_by)"),
    "drawn_numbers": ("INSERT",),
    "outbox": ("INSERT", "DELETE"),
    "segments": ("INSERT", "UPDATE (name, condition, changed_at, changed_by)", "DELETE"),
    "segment_members": ("INSERT", "DELETE"),
    "balances": (),
}
SEQUENCES: Final = ("member_ids", "household_ids", "approval_ids")


class RoleMissing(JifenError):
    """The application role does not exist or may not be taken, and the owner may not change that."""

    code = "database_role_missing"


async def ensure_role(connection: Connection, owner: str) -> None:
    """Make the application role where it is missing, and let the owner (who is connected) take it.

    Raises:
        RoleMissing: the owner may not; the message says what an administrator should run.
    """
    try:
        # Roles belong to the whole server: another database of it may be making the same one right now.
        with contextlib.suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            if not await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", APPLICATION_ROLE):
                await connection.execute(f"CREATE ROLE {APPLICATION_ROLE} NOLOGIN")
        may_take = "SELECT pg_has_role($1, 'SET')"
        if not await connection.fetchval(may_take, APPLICATION_ROLE):
            # Since PostgreSQL 16 whoever made a role may grant it, but may not take it unless that is granted, too.
            await connection.execute(f"GRANT {APPLICATION_ROLE} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE")
    except asyncpg.InsufficientPrivilegeError as error:
        zh, en = _advice(owner)
        raise RoleMissing(en, message_zh=zh, owner=owner, role=APPLICATION_ROLE) from error


def _advice(owner: str) -> tuple[str, str]:
    """What a superuser has to do, in Chinese and English."""
    quoted = '"' + owner.replace('"', '""') + '"'
    make = f"CREATE ROLE {APPLICATION_ROLE} NOLOGIN;"
    grant = f"GRANT {APPLICATION_ROLE} TO {quoted} WITH INHERIT FALSE, SET TRUE;"
    return (
        f"数据库用户 {owner} 不能创建或使用角色 {APPLICATION_ROLE}。请以超级用户执行：{make}（若尚不存在）{grant}",
        f"The database user {owner} may not make or take the role {APPLICATION_ROLE}. As a superuser run: "
        f"{make} (if it does not exist) {grant}",
    )


def grant_script(schema: str) -> str:
    """The statements that give the application role its rights in this schema, and take all others."""
    quoted = '"' + schema.replace('"', '""') + '"'
    lines = [
        f"GRANT USAGE ON SCHEMA {quoted} TO {APPLICATION_ROLE}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {quoted} FROM {APPLICATION_ROLE}",
        f"GRANT SELECT ON {', '.join(RIGHTS)} TO {APPLICATION_ROLE}",
    ]
    lines += [
        f"GRANT {', '.join(rights)} ON {table} TO {APPLICATION_ROLE}" for table, rights in RIGHTS.items() if rights
    ]
    lines.append(f"GRANT USAGE ON SEQUENCE {', '.join(SEQUENCES)} TO {APPLICATION_ROLE}")
    return ";\n".join(lines)
