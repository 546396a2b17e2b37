"""Write one sheet of cells as an .xlsx file, row by row.

Written here because what matters is exact: every digit of a float (writers for people keep 16), texts with control
characters (``_x000D_``, as the standard has it), no text that turns into a formula, and the same bytes for the same cells.
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from xml.sax.saxutils import escape

MAX_ROWS, MAX_COLUMNS, MAX_TEXT = 1_048_576, 16_384, 32_767
EPOCH = dt.datetime(1899, 12, 30)
FIRST_DAY = dt.datetime(1900, 3, 1)
"""Before it the numbers of days are shifted by one: the 29th of February 1900 never was."""

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss.000"/></numFmts>'
    '<fonts count="2"><font/><font><b/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="4"><xf/>'
    '<xf fontId="1" applyFont="1"/><xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="164" applyNumberFormat="1"/>'
    '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}
_BOOK = (
    f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="data" sheetId="1" r:id="rId1"/></sheets>'
    '<definedNames><definedName name="{name}">data!$A$1:$A${rows}</definedName></definedNames></workbook>'
)
TABLE = "modelyard_rows"
"""A named range that says how far the table goes: rows with nothing in them look like the end of a sheet."""
_BOLD, _DATE, _MOMENT = 1, 2, 3

_SPECIAL = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_SPELLED = re.compile("_x([0-9A-Fa-f]{4})_")


class Sheet:
    """A context manager: rows go in one by one, and the file is whole when it closes."""

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        for name, text in _PARTS.items():
            self._archive.writestr(_member(name), _HEAD + text)
        self._out: IO[bytes] = self._archive.open(_member("xl/worksheets/sheet1.xml"), "w")
        self._out.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._out.write(b"</sheetData></worksheet>")
        self._out.close()
        book = _BOOK.format(name=TABLE, rows=max(1, self.rows))
        self._archive.writestr(_member("xl/workbook.xml"), _HEAD + book)
        self._archive.close()

    def append(self, cells: Iterable[Any], *, bold: bool = False) -> None:
        """One row: None is an empty cell; numbers, booleans, texts, dates and datetimes."""
        self.rows += 1
        style = f' s="{_BOLD}"' if bold else ""
        spelled = "".join(_cell(c, style) for c in cells)
        self._out.write(f"<row>{spelled}</row>".encode())


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _cell(value: Any, style: str) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, (int, float)):
        return f"<c><v>{value!r}</v></c>"
    if isinstance(value, dt.datetime):
        return f'<c s="{_MOMENT}"><v>{_days(value)!r}</v></c>'
    if isinstance(value, dt.date):
        return f'<c s="{_DATE}"><v>{(value - EPOCH.date()).days}</v></c>'
    return (
        f'<c t="inlineStr"{style}><is><t xml:space="preserve">{escape(spell(value))}</t></is></c>'
    )


def _days(value: dt.datetime) -> float:
    passed = value - EPOCH
    return passed.days + (passed.seconds + passed.microseconds / 1e6) / 86_400


def spell(text: str) -> str:
    """A text as a cell holds it: what XML cannot hold is spelled ``_xHHHH_``.

    >>> spell("a\\r_x0041_")
    'a_x000D__x005F_x0041_'
    """
    return _SPECIAL.sub(lambda m: f"_x{ord(m[0]):04X}_", text)


def unspelled(text: str) -> str:
    """The inverse of `spell`; also of what Excel itself writes."""
    return _SPELLED.sub(lambda m: chr(int(m[1], 16)), text) if "_x" in text else text
