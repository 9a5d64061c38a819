"""Scripts of several statements, which SQLAlchemy's prepared statements cannot run, on the driver itself."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import AdaptedConnection


def run_on_driver(connection: Connection, script: str) -> None:
    """Run a script of many statements within the open transaction of this connection."""
    # SQLAlchemy begins the transaction on the driver with the first statement of its own; a script must not precede it.
    connection.exec_driver_sql("SELECT 1")
    adapted = cast(AdaptedConnection, connection.connection.dbapi_connection)
    adapted.run_async(lambda driver: driver.execute(script))
