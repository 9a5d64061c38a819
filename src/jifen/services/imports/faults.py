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


def why_not_opened(error: OSError | ValueError) -> tuple[str, str]:
    """Why a file cannot be opened, in Chinese and English."""
    match error:
        case FileNotFoundError():
            return "没有这个文件", "there is no such file"
        case IsADirectoryError():
            return "它是文件夹", "it is a folder"
        case PermissionError():
            return "没有读取权限", "there is no permission to read it"
        case OSError(strerror=str(reason)):
            return reason, reason
        case _:
            return "不是路径", "it is no path"
