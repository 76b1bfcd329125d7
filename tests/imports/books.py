"""Workbooks for tests: as a library writes them, and as nobody should."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import openpyxl
import xlsxwriter

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
PARTS: dict[str, str] = {
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" Type="{_RELS}/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_RELS}"><sheets><sheet name="One" sheetId="1" r:id="s1"/></sheets>'
    "</workbook>",
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="s1" Type="{_RELS}/worksheet" '
    f'Target="worksheets/sheet1.xml"/><Relationship Id="t1" Type="{_RELS}/sharedStrings" '
    'Target="sharedStrings.xml"/></Relationships>',
    "xl/sharedStrings.xml": f"<sst {_MAIN}><si><t>sku</t></si><si><r><t>na</t></r><rPh><t>X</t></rPh><r><t>me</t></r>"
    "</si></sst>",
    "xl/worksheets/sheet1.xml": f'<worksheet {_MAIN}><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c>'
    '<c r="B1" t="s"><v>1</v></c></row><row r="2"><c r="A2"><v>7</v></c></row></sheetData></worksheet>',
}


def raw(changes: Mapping[str, str | bytes | None] = PARTS, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a small workbook with some of its parts replaced, or left out (None)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, content in {**PARTS, **changes}.items():
            if content is not None:
                file.writestr(name, content)
    return out.getvalue()


def sheet(rows: str) -> dict[str, str]:
    """Return the part of a sheet with these rows."""
    return {"xl/worksheets/sheet1.xml": f"<worksheet {_MAIN}><sheetData>{rows}</sheetData></worksheet>"}


def book(*sheets: tuple[str, Sequence[Sequence[Any]]], hidden: Sequence[str] = ()) -> bytes:
    """Return a workbook as XlsxWriter makes it: dates, numbers and texts by their Python types, "=…" as formulas."""
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_urls": False})
    dated = made.add_format({"num_format": "dd/mm/yyyy hh:mm"})
    for name, rows in sheets:
        page = made.add_worksheet(name)
        if name not in hidden:
            page.activate()
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, datetime | date):
                    page.write_datetime(at, column, value, dated)
                elif value is not None:
                    page.write(at, column, value)
        if name in hidden:
            page.hide()
    made.close()
    return out.getvalue()


def by_openpyxl(rows: Sequence[Sequence[Any]]) -> bytes:
    """Return a workbook as another program makes it."""
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(list(row))
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()
