"""Why a row, or a whole file, cannot be taken."""

from __future__ import annotations

from jifen.core.errors import JifenError


class WrongColumns(JifenError):
    """The header of the file lacks columns that the mapping names."""

    code = "import_columns_missing"


class RowFault(Exception):
    """A row that cannot be taken: which column, the code of the reason, the value at fault."""

    def __init__(self, field: str, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.field = field
        self.code = code
        self.detail = detail[:80]
