"""The way of a database from nothing, or from an older jifen, to the schema of this one.

Every revision NNNN is a file `versions/revision_NNNN.py` that runs `db/sql/schema_NNNN.sql`; the files together are
the schema. A revision that was released never changes.
"""

from __future__ import annotations

from typing import Final

#: All revisions, in order. Kept here as well as in `versions/`, so that a database that is up to date is recognised
#: without importing Alembic.
REVISIONS: Final = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
    "0015",
)
