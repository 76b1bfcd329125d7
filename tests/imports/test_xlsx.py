"""Workbooks are read as people see them, and hostile ones are refused before they take memory."""

from __future__ import annotations

import io
import random
import tracemalloc
import zipfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.imports.errors import FileUnreadable
from app.imports.tables import header_of, looks, rows_of
from app.imports.xlsx import package
from app.imports.xlsx.sheet import column_name
from app.imports.xlsx.values import date, is_date_format, number
from tests.imports.books import book, by_openpyxl, raw, sheet

# A spreadsheet knows no zones.
MORNING, MIDNIGHT = datetime(2010, 12, 1, 8, 26), datetime(2020, 2, 3, 23, 59, 58)  # noqa: DTZ001


def _file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "book.xlsx"
    path.write_bytes(content)
    return path


def _cells(tmp_path: Path, content: bytes, name: str = "") -> list[tuple[int, list[str] | None]]:
    return [(row.number, row.cells) for row in rows_of(_file(tmp_path, content), name)]


def _refusal(tmp_path: Path, content: bytes) -> str:
    with pytest.raises(FileUnreadable) as refused:
        list(rows_of(_file(tmp_path, content)))
    assert refused.value.errors[0].pointer == "#/file"
    return str(refused.value)


def test_texts_numbers_dates_and_truths_are_read_as_they_are_shown(tmp_path: Path) -> None:
    content = book(("Stock", [["sku", "price", "on", "sold"], ["007", 2.55, MORNING, True], [8, 0.1 + 0.2]]))
    assert _cells(tmp_path, content) == [
        (1, ["sku", "price", "on", "sold"]),
        (2, ["007", "2.55", "2010-12-01 08:26:00", "true"]),
        (3, ["8", "0.3", "", ""]),
    ]


def test_another_program_s_workbook_reads_the_same(tmp_path: Path) -> None:
    table = [["sku", "price", "on"], ["007", 19.99, MIDNIGHT], ["ü", -4, None]]
    assert _cells(tmp_path, by_openpyxl(table))[1:] == [
        (2, ["007", "19.99", "2020-02-03 23:59:58"]), (3, ["ü", "-4", ""])
    ]  # fmt: skip


def test_rows_keep_the_numbers_that_the_sheet_shows(tmp_path: Path) -> None:
    content = book(("One", [[], ["sku"], [], ["a"], [], ["b"]]))
    assert _cells(tmp_path, content) == [(2, ["sku"]), (4, ["a"]), (6, ["b"])]


def test_a_formula_is_a_fault_of_its_cell_and_of_no_other(tmp_path: Path) -> None:
    content = book(("One", [["sku", "price"], ["a", "=1+1"], ["b", 2]]))
    header, first, second = rows_of(_file(tmp_path, content))
    assert header.cells == ["sku", "price"]
    assert first.cells == ["a", ""]
    assert [fault.text for fault in (first.faults or {}).values()] == [
        "Cell B2 holds a formula. Put its value in its place."
    ]
    assert (second.cells, second.faults) == (["b", "2"], None)


def test_an_error_of_the_spreadsheet_is_a_fault_too(tmp_path: Path) -> None:
    content = raw(
        sheet('<row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="2"><c r="A2" t="e"><v>#N/A</v></c></row>')
    )
    *_, row = rows_of(_file(tmp_path, content))
    assert [fault.code for fault in (row.faults or {}).values()] == ["error_cell"]


def test_a_formula_in_the_header_is_refused_by_its_cell(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="Cell B1 holds a formula"):
        header_of(rows_of(_file(tmp_path, book(("One", [["sku", "=A1"], ["a", 1]])))))


def test_hidden_sheets_are_not_there(tmp_path: Path) -> None:
    content = book(("Secret", [["sku"], ["s"]]), ("Open", [["sku"], ["o"]]), ("Empty", []), hidden=["Secret"])
    assert [look.name for look in looks(_file(tmp_path, content))] == ["Open"]
    assert _cells(tmp_path, content)[1] == (2, ["o"])
    with pytest.raises(FileUnreadable, match="no visible sheet called Secret"):
        _cells(tmp_path, content, "Secret")


def test_what_stands_beside_the_table_is_told_and_left_out(tmp_path: Path) -> None:
    content = book(("One", [["sku"], ["a", None, "a remark"]]))
    *_, row = rows_of(_file(tmp_path, content))
    assert row.cells == ["a"]
    assert row.problem is not None
    assert (row.problem.code, row.problem.lost) == ("cell_beyond", False)


def test_rich_text_is_joined_and_reading_aids_are_left_out(tmp_path: Path) -> None:
    assert _cells(tmp_path, raw()) == [(1, ["sku", "name"]), (2, ["7", ""])]


def test_cells_without_an_address_follow_each_other(tmp_path: Path) -> None:
    header = "".join(f"<c t='inlineStr'><is><t>{name}</t></is></c>" for name in "ab")
    rows = sheet(f"<row>{header}</row><row><c><v>1</v></c></row>")
    assert _cells(tmp_path, raw(rows)) == [(1, ["a", "b"]), (2, ["1", ""])]


def test_control_characters_come_back_and_half_characters_do_not(tmp_path: Path) -> None:
    assert _cells(tmp_path, book(("One", [["a"], ["x\x07_x0041_\r\n y "]])))[1] == (2, ["x\x07_x0041_\r\n y "])
    rows = "<row r='1'><c r='A1' t='inlineStr'><is><t>_xD800_</t></is></c></row>"
    assert _cells(tmp_path, raw(sheet(rows))) == [(1, ["_xD800_"])]


def test_a_number_has_the_fifteen_digits_that_a_spreadsheet_shows() -> None:
    assert number("2.5499999999999998") == "2.55"
    assert number("1E3") == "1000"
    assert number("4006381333931") == "4006381333931"
    assert number("0.30000000000000004") == "0.3"
    assert number("1e400") == "1e400"


@given(st.decimals(min_value=Decimal("-9999999999.99"), max_value=Decimal("9999999999.99"), places=2))
def test_every_price_survives_its_binary_form(price: Decimal) -> None:
    assert Decimal(number(repr(float(price)))) == price
    assert Decimal(number(format(float(price), ".17g"))) == price


@pytest.mark.parametrize(
    ("format_", "is_date"),
    [("dd/mm/yyyy", True), ("[h]:mm", True), ("0.00", False), ('0 "days"', False), ("General", False),
     ("[Red]0.00", False), ("[$-409]d. mmm yy;@", True), (r"0\d", False), ("#,##0.00 [$€-407]", False)],
)  # fmt: skip
def test_dates_are_known_by_their_format(format_: str, is_date: bool) -> None:
    assert is_date_format(164, {164: format_}) is is_date


def test_dates_of_both_calendars_mean_the_same_day() -> None:
    assert date("40513.351388888892", from_1904=False) == date("39051.351388888892", from_1904=True)
    assert date("40513.351388888892", from_1904=False) == "2010-12-01 08:26:00"
    assert date("99999999", from_1904=False) == "99999999"


def test_columns_are_named_as_a_spreadsheet_names_them() -> None:
    assert [column_name(at) for at in (0, 25, 26, 701, 702, 16_383)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]


# What follows is meant to hurt.


def test_a_sheet_that_unpacks_to_a_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in zipfile_parts().items():
            if name != "xl/worksheets/sheet1.xml":
                file.writestr(name, content)
        with file.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(700):
                part.write(b" " * (1 << 20))
    path = _file(tmp_path, out.getvalue())
    tracemalloc.start()
    with pytest.raises(FileUnreadable, match="unpacks to far more"):
        looks(path)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def zipfile_parts() -> dict[str, bytes]:
    """Return the parts of a good workbook."""
    with zipfile.ZipFile(io.BytesIO(raw())) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_shared_texts_that_pack_too_well_are_refused(tmp_path: Path) -> None:
    texts = "<sst>" + "<si><t>" + "A" * (20 << 20) + "</t></si></sst>"
    assert "unpacks to far more" in _refusal(tmp_path, raw({"xl/sharedStrings.xml": texts}))


def test_shared_texts_over_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.imports.xlsx.workbook.MAX_STRINGS", 1 << 20)
    noise = random.Random(1).randbytes(1 << 20).hex()
    told = _refusal(tmp_path, raw({"xl/sharedStrings.xml": f"<sst><si><t>{noise}</t></si></sst>"}))
    assert told.startswith("The text of the workbook is over 1 MB.")


def test_many_shared_texts_take_no_memory(tmp_path: Path) -> None:
    count = 200_000
    texts = "<sst><si><t>sku</t></si>" + "".join(f"<si><t>text {n:07}</t></si>" for n in range(count)) + "</sst>"
    rows = f'<row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="2"><c r="A2" t="s"><v>{count}</v></c></row>'
    path = _file(tmp_path, raw({"xl/sharedStrings.xml": texts, **sheet(rows)}))
    tracemalloc.start()
    assert [row.cells for row in rows_of(path)] == [["sku"], [f"text {count - 1:07}"]]
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    "part",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><worksheet/>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet>&a;</worksheet>',
        "<worksheet>",
        "no XML",
        "<worksheet>&undefined;</worksheet>",
    ],
)
def test_entities_and_broken_markup_are_refused(tmp_path: Path, part: str) -> None:
    content = raw({"xl/worksheets/sheet1.xml": part})
    if part == "<worksheet>":
        # Nothing in it; what is cut off is found by the check of the zip file.
        assert _cells(tmp_path, content) == []
    else:
        assert "no Excel workbook" in _refusal(tmp_path, content)


def test_deep_markup_is_refused(tmp_path: Path) -> None:
    assert "unpacks" in _refusal(tmp_path, raw({"xl/worksheets/sheet1.xml": "<a>" * 100_000}))


def test_an_endless_tag_is_refused(tmp_path: Path) -> None:
    noise = random.Random(2).randbytes(3 << 20).hex()
    assert "unpacks" in _refusal(tmp_path, raw({"xl/worksheets/sheet1.xml": f'<worksheet a="{noise}"/>'}))


def test_a_million_empty_rows_and_the_last_cell_of_all_cost_nothing(tmp_path: Path) -> None:
    empty = "".join(f'<row r="{n}"><c r="A{n}" s="1"/></row>' for n in range(3, 300_000, 3))
    rows = f'<row r="1"><c r="A1" t="s"><v>0</v></c></row>{empty}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    path = _file(tmp_path, raw(sheet(rows)))
    tracemalloc.start()
    assert [row.cells for row in rows_of(path)] == [["sku"]]
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="0"><c r="A0"><v>1</v></c></row>',
        '<row r="1048577"><c r="A1048577"><v>1</v></c></row>',
        '<row r="2"><c r="A2"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>',
        '<row r="1"><c r="XFE1"><v>1</v></c></row>',
        '<row r="1"><c r="12"><v>1</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>99</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>-1</v></c></row>',
        f'<row r="{"9" * 5000}"><c><v>1</v></c></row>',
    ],
)
def test_impossible_addresses_are_refused(tmp_path: Path, rows: str) -> None:
    assert "no Excel workbook" in _refusal(tmp_path, raw(sheet(rows)))


def test_a_header_that_is_too_wide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="more than 200 columns"):
        looks(_file(tmp_path, book(("One", [[f"c{n}" for n in range(300)]]))))


def test_a_zip_directory_that_is_too_long_is_never_loaded(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for number_ in range(package.MAX_DIRECTORY // 60):
            file.writestr(f"{number_:020}", b"")
    assert "unpacks" in _refusal(tmp_path, out.getvalue())


@pytest.mark.parametrize("missing", ["_rels/.rels", "xl/workbook.xml", "xl/worksheets/sheet1.xml"])
def test_a_workbook_without_its_parts_is_refused(tmp_path: Path, missing: str) -> None:
    assert "no Excel workbook" in _refusal(tmp_path, raw({missing: None}))


def test_other_compressions_are_not_taken(tmp_path: Path) -> None:
    assert "no Excel workbook" in _refusal(tmp_path, raw(method=zipfile.ZIP_LZMA))


def test_a_part_that_says_more_than_its_size_is_cut_and_found_out(tmp_path: Path) -> None:
    content = raw(method=zipfile.ZIP_STORED)
    at = content.rfind(b"xl/worksheets/sheet1.xml") - 46 + 24
    told = int.from_bytes(content[at : at + 4], "little")
    lying = content[:at] + (told - 9).to_bytes(4, "little") + content[at + 4 :]
    assert "no Excel workbook" in _refusal(tmp_path, lying)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_damage_makes_reading_fail_otherwise(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    content = bytearray(raw(method=data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("fuzz") / "book.xlsx"
    path.write_bytes(content)
    try:
        rows = list(rows_of(path))
    except FileUnreadable:
        return
    assert all(row.cells is None or len(row.cells) == len(rows[0].cells or []) for row in rows)


_VALUE = st.one_of(
    st.text(
        st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"), min_size=1, max_size=20
    ),
    st.integers(-(10**14), 10**14),
    st.decimals(min_value=-1000, max_value=1000, places=3).map(float),
)


@settings(max_examples=60, deadline=None)
@given(table=st.lists(st.lists(_VALUE, min_size=3, max_size=3), min_size=1, max_size=5))
def test_what_another_library_reads_is_what_we_read(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[Any]]
) -> None:
    path = tmp_path_factory.mktemp("oracle") / "book.xlsx"
    texts = [[cell if not isinstance(cell, str) or cell[0] != "=" else f" {cell}" for cell in row] for row in table]
    path.write_bytes(by_openpyxl([["a", "b", "c"], *texts]))
    oracle = openpyxl.load_workbook(path).active.iter_rows(min_row=2, values_only=True)
    ours = {row.number: row.cells for row in rows_of(path)}
    for at, row in enumerate(oracle, 2):
        said = ["" if cell is None else cell if isinstance(cell, str) else number(repr(cell)) for cell in row]
        assert ours.get(at, ["", "", ""]) == said
