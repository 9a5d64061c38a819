"""PostgreSQL settings for this machine: one pure function, and how they are written down."""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

FIXED = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "huge_pages": "try",
    # Durability is the product: an answered command survives a power cut.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # `replica` is what pg_basebackup needs.
    "wal_level": "replica",
    "summarize_wal": "off",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    # Short statements only: compiling them costs more than it saves.
    "jit": "off",
    "random_page_cost": "1.1",
    # Hot rows (members, lots) are rewritten often: clean up early and in small steps.
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    "autovacuum_analyze_scale_factor": "0.05",
    "autovacuum_vacuum_cost_limit": "1000",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "logging_collector": "on",
    # Relative to the cluster folder. One file a weekday, overwritten a week later.
    "log_directory": "'../logs'",
    "log_filename": "'postgresql-%a.log'",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_line_prefix": "'%m [%p] %q%u@%d '",
    "log_min_duration_statement": "1s",
    "log_checkpoints": "on",
    "log_lock_waits": "on",
    "log_autovacuum_min_duration": "10s",
    # Parameters hold members' phone numbers and the like.
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


def settings_for(memory_bytes: int, cores: int, *, free_disk_bytes: int | None = None) -> dict[str, str]:
    """PostgreSQL settings for a machine (or control group) that jifen shares with its database.

    `free_disk_bytes` bounds how much write-ahead log may pile up between checkpoints.

    Raises:
        ValueError: memory or cores are not positive.
    """
    if memory_bytes <= 0 or cores <= 0:
        raise ValueError("memory and cores must be positive")
    write_ahead = 8 * GIB if free_disk_bytes is None else _within(free_disk_bytes // 8, 256 * MIB, 8 * GIB)
    return FIXED | {
        "shared_buffers": _megabytes(_within(memory_bytes // 4, 128 * MIB, 8 * GIB)),
        "effective_cache_size": _megabytes(_within(memory_bytes * 5 // 8, 128 * MIB, 1024 * GIB)),
        "work_mem": _megabytes(_within(memory_bytes // 400, 4 * MIB, 64 * MIB)),
        "maintenance_work_mem": _megabytes(_within(memory_bytes // 16, 32 * MIB, 2 * GIB)),
        "wal_buffers": _megabytes(_within(memory_bytes // 32, 16 * MIB, 64 * MIB)),
        "max_wal_size": _megabytes(write_ahead),
        "min_wal_size": _megabytes(_within(write_ahead // 4, 80 * MIB, 2 * GIB)),
        "max_worker_processes": str(max(8, cores)),
        "max_parallel_workers": str(_within(cores, 1, 8)),
        "max_parallel_workers_per_gather": str(_within(cores // 2, 0, 4)),
        "max_parallel_maintenance_workers": str(_within(cores // 2, 1, 4)),
        "autovacuum_max_workers": str(_within(cores // 2, 2, 4)),
    }


def _within(value: int, least: int, most: int) -> int:
    return max(least, min(value, most))


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes // MIB}MB"


def render(settings: dict[str, str]) -> str:
    """The text of the generated configuration file."""
    lines = [
        "# Written by jifen at each start; changes are lost. Put yours into postgresql.override.conf beside this file.",
        *(f"{name} = {value}" for name, value in sorted(settings.items())),
    ]
    return "\n".join(lines) + "\n"
