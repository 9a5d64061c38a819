"""Excel workbooks (.xlsx, ECMA-376) read as they stream by: memory does not grow with the size of the file."""

from __future__ import annotations

from jifen.services.imports.workbooks.parts import UnfitWorkbook
from jifen.services.imports.workbooks.workbook import Workbook

__all__ = ["UnfitWorkbook", "Workbook"]
