"""What was not imported: downloaded with its reasons, corrected and sent again, or tried again as it is."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import requests

from app.imports.models import ImportRun
from tests.imports.shop import BROKEN, BROKEN_GOOD, BROKEN_ROWS
from tests.imports.support import bring_in, rows
from tests.world import House

FILE = b"sku,name,price\nA-1,Mug,2.50\nA-2,Cup,cheap\nA-3,Pot,\nA-4,=Tin,3.00\n"
_SKUS = "SELECT sku, price_minor FROM product WHERE tenant_id = :tenant ORDER BY sku"


def _import(house: House, content: bytes, tmp_path: Path, **options: Any) -> ImportRun:
    run: ImportRun = bring_in(house, content, resource="products", tmp=tmp_path, currency="EUR", **options)
    return run


def _failed(house: House, run: ImportRun) -> bytes:
    sent = house.api().get(f"/imports/{run.id}/failed-rows")
    assert sent.status_code == 303
    return requests.get(sent.headers["Location"], timeout=10).content


def test_the_failed_rows_come_as_a_file_with_a_reason_each(acme: House, tmp_path: Path) -> None:
    run = _import(acme, FILE, tmp_path)
    assert (run.rows_imported, run.rows_failed) == (2, 2)
    found = list(csv.reader(io.StringIO(_failed(acme, run).decode())))
    assert found == [
        ["row", "problem", "sku", "name", "price"],
        ["3", "price: “cheap”: Write a number, like 14.90.", "A-2", "Cup", "cheap"],
        ["4", "price: The price is missing.", "A-3", "Pot", ""],
    ]


def test_the_corrected_rows_go_in_and_nothing_else_is_touched(acme: House, tmp_path: Path) -> None:
    run = _import(acme, FILE, tmp_path)
    corrected = _failed(acme, run).replace(b"cheap\r\n", b"1.25\r\n").replace(b"Pot,\r\n", b"Pot,dear\r\n")
    second = _import(acme, corrected, tmp_path)
    assert (second.rows_read, second.rows_imported, second.rows_failed) == (2, 1, 1)
    # A file that comes back twice has its reasons once.
    third = _failed(acme, second).decode()
    assert third.splitlines()[0] == "row,problem,sku,name,price"
    assert rows(acme, _SKUS) == [("A-1", 250), ("A-2", 125), ("A-4", 300)]


def test_every_lost_row_of_the_worst_file_is_in_the_file_once(acme: House, tmp_path: Path) -> None:
    run: ImportRun = bring_in(acme, BROKEN, resource="orders", tmp=tmp_path, currency="GBP")
    numbers = [int(row[0]) for row in list(csv.reader(io.StringIO(_failed(acme, run).decode())))[1:]]
    assert len(numbers) == len(set(numbers)) == BROKEN_ROWS - BROKEN_GOOD == run.rows_failed


def test_an_import_without_failed_rows_has_no_such_file(acme: House, tmp_path: Path) -> None:
    run = _import(acme, b"sku,name,price\nA-1,Mug,2.50\n", tmp_path)
    api = acme.api()
    assert not api.get(f"/imports/{run.id}").json["has_failed_rows"]
    assert api.get(f"/imports/{run.id}/failed-rows").status_code == 404
    answer = api.post(f"/imports/{run.id}/retries")
    assert (answer.status_code, answer.json["code"]) == (409, "import.nothing_to_retry")


def test_rows_that_the_plan_had_no_room_for_go_in_when_it_has(acme: House, tmp_path: Path) -> None:
    lines = "".join(f"S{n},Thing {n},1.00\n" for n in range(105))
    run = _import(acme, f"sku,name,price\n{lines}".encode(), tmp_path)
    assert (run.rows_imported, run.rows_failed) == (100, 5)
    window = acme.signed_in()
    assert (
        window.submit("/products/bulk", {"action": "archive", "id": _ids(acme, 3)}, form="/products").status_code == 303
    )
    answer = window.submit(f"/imports/{run.id}/retry", {}, form=f"/imports/{run.id}")
    assert answer.status_code == 303
    acme.world.drain()
    second = acme.api().get(f"/imports/{answer.headers['Location'].rsplit('/', 1)[1]}").json
    assert second["retry_of"] == str(run.id)
    assert (second["rows"]["read"], second["rows"]["imported"], second["rows"]["failed"]) == (5, 3, 2)
    assert any("Only the rows that were not imported before" in note for note in second["notes"])
    # Nothing is left of those that went in: the next retry tries the two.
    third = acme.api().post(f"/imports/{second['id']}/retries").json
    acme.world.drain()
    assert acme.api().get(f"/imports/{third['id']}").json["rows"]["read"] == 2


def _ids(house: House, count: int) -> list[str]:
    found = rows(house, "SELECT id FROM product WHERE tenant_id = :tenant ORDER BY sku LIMIT :count", count=count)
    return [str(row[0]) for row in found]
