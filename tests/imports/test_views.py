"""The pages of imports, without script: file, columns, check, import, report."""

from __future__ import annotations

import io
import re

from tests.imports.shop import HEADER, SHOP, SHOP_ROWS
from tests.imports.support import rows
from tests.world import House, Window


def _upload(window: Window, content: str = SHOP, name: str = "orders.csv") -> str:
    answer = window.submit("/imports/new", {"resource": "orders", "file": (io.BytesIO(content.encode()), name)})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def _columns(page: str) -> dict[str, str]:
    """Return what the form of columns would send as it is."""
    chosen = {}
    for name, body in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        found = re.search(r'<option value="([^"]*)" selected', body)
        chosen[name] = found.group(1) if found else ""
    return chosen


def test_a_file_is_checked_and_then_imported(acme: House) -> None:
    window = acme.signed_in()
    place = _upload(window)
    page = window.get(place).text
    assert "RED LANTERN" in page
    chosen = {**_columns(page), "currency": "GBP", "create_products": "on"}
    assert chosen["column-sku"] == "StockCode"
    answer = window.submit(f"{place}/start", {**chosen, "action": "check"}, form=place)
    assert answer.status_code == 303, answer.text
    assert "Checking orders.csv" in window.get(place).text
    acme.world.drain()
    checked = window.get(place).text
    assert "Import these rows" in checked
    assert "£127.41" in checked
    assert rows(acme, "SELECT count(*) FROM sales_order WHERE tenant_id = :tenant") == [(0,)]
    answer = window.submit(f"{place}/again", {"action": "import"}, form=place)
    acme.world.drain()
    done = window.get(answer.headers["Location"]).text
    assert "3 orders made" in done
    assert "POST is no product" in done
    assert rows(acme, "SELECT count(*) FROM order_line WHERE tenant_id = :tenant") == [(SHOP_ROWS,)]
    listed = window.get("/imports").text
    assert listed.count("orders.csv") == 2


def test_a_column_that_is_needed_is_asked_for_and_the_choices_stay(acme: House) -> None:
    window = acme.signed_in()
    place = _upload(window)
    chosen = {**_columns(window.get(place).text), "column-sku": "", "currency": "USD", "action": "check"}
    answer = window.submit(f"{place}/start", chosen, form=place)
    assert answer.status_code == 422
    assert "Choose the column that holds: sku." in answer.text
    assert re.search(r'<option value="USD" selected', answer.text)


def test_a_wrong_file_shows_the_form_again(acme: House) -> None:
    window = acme.signed_in()
    answer = window.submit("/imports/new", {"resource": "orders", "file": (io.BytesIO(b"PK\x03\x04"), "a.csv")})
    assert answer.status_code == 422
    assert "save it as .xlsx and choose that file" in answer.text


def test_a_running_import_can_be_stopped(acme: House) -> None:
    window = acme.signed_in()
    place = _upload(window)
    window.submit(f"{place}/start", {**_columns(window.get(place).text), "action": "import"}, form=place)
    answer = window.submit(f"{place}/stop", {}, form=place)
    assert answer.status_code == 303
    acme.world.drain()
    assert "Import the file again" in window.get(place).text
    assert rows(acme, "SELECT count(*) FROM sales_order WHERE tenant_id = :tenant") == [(0,)]


def test_the_part_that_is_polled_is_no_whole_page(acme: House) -> None:
    window = acme.signed_in()
    place = _upload(window)
    window.submit(f"{place}/start", {**_columns(window.get(place).text), "action": "check"}, form=place)
    part = window.get(f"{place}/part").text
    assert "<html" not in part
    assert f'hx-get="{place}/part"' in part


def test_markup_in_a_file_stays_text(acme: House) -> None:
    window = acme.signed_in()
    hostile = f'{HEADER}\n1,<script>alert(1)</script>,<b>x</b>,1,2010-12-01,1.00,1.0,"<img src=x>"\n'
    place = _upload(window, hostile)
    assert "<script>alert" not in window.get(place).text
