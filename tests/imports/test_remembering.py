"""The columns that were chosen for a file are offered for the next one like it."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from app.imports.models import ImportRun
from tests.imports.support import begin, bring_in, upload
from tests.world import House, Window

FILE = b"Art,Text A,Text B,Cost\nA-1,Mug,Blue mug,2.50\n"
CHOSEN = {"sku": "Art", "name": "Text B", "price": "Cost"}


def _choose(house: House, tmp_path: Path, content: bytes = FILE, **options: Any) -> ImportRun:
    run_id = upload(house, content, resource="products", tmp=tmp_path)
    begin(house, run_id, mapping=CHOSEN, **options)
    house.world.drain()
    return _draft(house, run_id)


def _draft(house: House, run_id: Any) -> ImportRun:
    with house.ctx() as ctx:
        return ctx.db.get_one(ImportRun, (ctx.tenant.id, run_id))


def _next(house: House, tmp_path: Path, content: bytes = FILE, resource: str = "products") -> ImportRun:
    return _draft(house, upload(house, content, resource=resource, tmp=tmp_path))


def test_the_next_file_with_the_same_columns_has_them_filled_in(acme: House, tmp_path: Path) -> None:
    assert "remembered" not in _next(acme, tmp_path).preview
    _choose(acme, tmp_path, currency="USD", time_zone="Europe/Lisbon")
    run = _next(acme, tmp_path)
    assert run.mapping == CHOSEN
    assert (run.options["currency"], run.options["time_zone"]) == ("USD", "Europe/Lisbon")
    assert "remembered" in run.preview


def test_the_order_of_the_columns_does_not_matter_and_their_names_do(acme: House, tmp_path: Path) -> None:
    _choose(acme, tmp_path)
    assert _next(acme, tmp_path, b"Cost,Text B,Text A,Art\n1,a,b,c\n").mapping == CHOSEN
    assert "remembered" not in _next(acme, tmp_path, b"Cost,Text C,Text A,Art\n1,a,b,c\n").preview


def test_the_last_choice_counts(acme: House, tmp_path: Path) -> None:
    _choose(acme, tmp_path, currency="USD")
    _choose(acme, tmp_path, currency="JPY")
    assert _next(acme, tmp_path).options["currency"] == "JPY"


def test_each_kind_and_each_workspace_remembers_its_own(acme: House, globex: House, tmp_path: Path) -> None:
    _choose(acme, tmp_path)
    assert "remembered" not in _next(acme, tmp_path, resource="orders").preview
    assert "remembered" not in _next(globex, tmp_path).preview


def test_rows_that_failed_come_back_under_the_columns_that_were_chosen(acme: House, tmp_path: Path) -> None:
    _choose(acme, tmp_path)
    corrected = b"row,problem,Art,Text A,Text B,Cost\n2,price: it was wrong,A-2,Cup,Red cup,3.00\n"
    assert _next(acme, tmp_path, corrected).mapping == CHOSEN


def test_the_page_says_so_and_can_guess_instead(acme: House, tmp_path: Path) -> None:
    _choose(acme, tmp_path)
    window = acme.signed_in()
    place = _upload(window)
    page = window.get(place).text
    assert "A file with these columns came before" in page
    assert _selected(page, "column-name") == "Text B"
    assert window.submit(f"{place}/draft", {"action": "guess"}, form=place).status_code == 303
    page = window.get(place).text
    assert "came before" not in page
    assert _selected(page, "column-name") == ""


def test_a_draft_that_has_started_stays_as_it_is(acme: House, tmp_path: Path) -> None:
    run = bring_in(acme, b"sku,name,price\nA,Mug,1.00\n", resource="products", tmp=tmp_path)
    window = acme.signed_in()
    answer = window.submit(f"/imports/{run.id}/draft", {"action": "guess"}, form=f"/imports/{run.id}")
    assert answer.status_code == 409


def _upload(window: Window) -> str:
    answer = window.submit("/imports/new", {"resource": "products", "file": (io.BytesIO(FILE), "stock.csv")})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def _selected(page: str, name: str) -> str:
    [body] = re.findall(rf'<select [^>]*name="{name}"[^>]*>(.*?)</select>', page, re.DOTALL)
    found = re.search(r'<option value="([^"]*)" selected', body)
    return found.group(1) if found else ""
