"""Whatever a file holds, every row comes out once: as cells, or with what is wrong with it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.imports.reading import read_rows
from app.imports.sniffing import Dialect, refuse_other_kinds, sniff
from app.imports.tables import looks
from app.kit.errors import Invalid
from tests.imports.shop import BROKEN


def _read(tmp_path: Path, content: bytes) -> list[tuple[int, list[str] | None, str]]:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    return [(r.number, r.cells, r.problem.code if r.problem else "") for r in read_rows(path, sniff(path))]


def test_a_quotation_mark_that_is_never_closed_costs_one_row(tmp_path: Path) -> None:
    rows = _read(tmp_path, b'a,b\n1,"open\n2,x\n3,"y"\n')
    assert rows == [(1, ["a", "b"], ""), (2, None, "quote_open"), (3, ["2", "x"], ""), (4, ["3", "y"], "")]


def test_a_cell_may_span_lines(tmp_path: Path) -> None:
    rows = _read(tmp_path, b'a,b\n1,"two\r\nlines ""quoted"""\n2,x\n')
    assert rows[1:] == [(2, ["1", 'two\r\nlines "quoted"'], ""), (4, ["2", "x"], "")]


def test_an_inch_mark_inside_a_cell_is_text(tmp_path: Path) -> None:
    assert _read(tmp_path, b'a,b\n1,5" nail\n')[1] == (2, ["1", '5" nail'], "")


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        ("\ufeffa;b\r\n1;\u00e4\r\n".encode("utf-16"), ["1", "\u00e4"]),
        ("a;b\r\n1;\u00e4\r\n".encode("utf-16-le"), ["1", "\u00e4"]),
        ("\ufeffa,b\n1,\u00e4\n".encode(), ["1", "\u00e4"]),
        ("a\tb\n1\t\u00e4\n".encode(), ["1", "\u00e4"]),
        ("a|b\r1|\u00e4\r".encode(), ["1", "\u00e4"]),
        ("sep=;\na;b\n1;\u00e4\n".encode(), ["1", "\u00e4"]),
        ("a,b\n1,\u00e4\n".encode("cp1252"), ["1", "\u00e4"]),
    ],
)
def test_encodings_delimiters_and_line_ends_are_found_out(tmp_path: Path, content: bytes, cells: list[str]) -> None:
    rows = _read(tmp_path, content)
    assert [row[1] for row in rows] == [["a", "b"], cells]


def test_a_line_of_ten_megabytes_costs_one_row(tmp_path: Path) -> None:
    rows = _read(tmp_path, b"a,b\n" + b"x" * 10_000_000 + b",1\n2,y\n")
    assert rows[1:] == [(2, None, "line_long"), (3, ["2", "y"], "")]


def test_the_worst_file_gives_each_row_once(tmp_path: Path) -> None:
    rows = _read(tmp_path, BROKEN)
    numbers = [number for number, _, _ in rows]
    assert numbers == sorted(set(numbers))
    assert {code for _, cells, code in rows if cells is None} == {
        "quote_open", "quote_stray", "columns_wrong", "nul", "cell_long"
    }  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=400))
def test_no_bytes_make_reading_fail(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    rows = _read(tmp_path_factory.mktemp("fuzz"), b"a,b\n" + content)
    assert all(cells is None or len(cells) == len(rows[0][1] or []) for _, cells, _ in rows)


_CELL = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=30)


@settings(max_examples=200, deadline=None)
@given(table=st.lists(st.lists(_CELL, min_size=3, max_size=3), min_size=1, max_size=6))
def test_what_a_writer_of_csv_writes_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]]
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([["a", "b", "c"], *table])
    path = tmp_path_factory.mktemp("round") / "file.csv"
    path.write_bytes(out.getvalue().encode())
    read = [row.cells for row in read_rows(path, Dialect())]
    assert read == [["a", "b", "c"], *table]


@pytest.mark.parametrize("head", [b"", b"\xef\xbb\xbf \n", b"\xd0\xcf\x11\xe0rest", b"%PDF-1.7", b"\x1f\x8b\x08"])
def test_files_of_another_kind_are_refused_with_what_to_do(head: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        refuse_other_kinds(head)
    assert refused.value.errors[0].pointer == "#/file"


def test_a_preview_shows_the_header_and_the_first_good_rows(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(BROKEN)
    [look] = looks(path)
    assert look.header[0] == "InvoiceNo"
    assert [row[0] for row in look.rows[:2]] == ["1", "5"]
