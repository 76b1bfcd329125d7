"""What an import would change is shown before, field by field; what it changed, afterwards."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from app.imports.models import ImportRun
from tests.imports.shop import PRODUCTS, SHOP
from tests.imports.support import bring_in, rows
from tests.world import House

NEWER = """sku,name,price,currency,inventory,category,description
NB-1,Harbour Lights II,35.00,EUR,12,Fiction,"Two
lines, and a ""quote"" in it"
NB-2,=SUM(A1),14.90,GBP,,Fiction,<b>new</b>
NB-9,Tin,1.00,EUR,3,,
"""


def _import(house: House, content: str, tmp_path: Path, **options: Any) -> ImportRun:
    run: ImportRun = bring_in(house, content.encode(), resource="products", tmp=tmp_path, **options)
    return run


def _plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def test_a_trial_counts_new_changed_and_equal_rows_and_writes_nothing(acme: House, tmp_path: Path) -> None:
    _import(acme, PRODUCTS, tmp_path)
    before = rows(acme, "SELECT * FROM product WHERE tenant_id = :tenant ORDER BY sku")
    trial = _import(acme, NEWER + "NB-3,Quiet Orchard,bad,EUR,,,\n", tmp_path, dry_run=True)
    shown = acme.api().get(f"/imports/{trial.id}").json["rows"]
    assert shown == {"read": 4, "imported": 3, "new": 1, "changed": 2, "unchanged": 0, "failed": 1}
    assert rows(acme, "SELECT * FROM product WHERE tenant_id = :tenant ORDER BY sku") == before


def test_each_changed_field_has_what_is_there_and_what_the_file_says(acme: House, tmp_path: Path) -> None:
    _import(acme, PRODUCTS, tmp_path)
    trial = _import(acme, NEWER, tmp_path, dry_run=True)
    found = acme.api().get(f"/imports/{trial.id}/changes").json["items"]
    assert [(c["label"], c["row"]) for c in found] == [("NB-1", 2), ("NB-2", 4)]
    assert (found[0]["before"], found[0]["after"]) == (
        {"name": "Harbour Lights", "price": "32.00", "currency": "EUR"},
        {"name": "Harbour Lights II", "price": "35.00", "currency": "EUR"},
    )
    made = acme.api().get(f"/imports/{trial.id}/changes", query_string={"action": "created"}).json["items"]
    assert [(c["label"], c["id"]) for c in made] == [("NB-9", None)]


def test_the_page_of_the_diff_shows_old_and_new_and_leads_to_the_import(acme: House, tmp_path: Path) -> None:
    _import(acme, PRODUCTS, tmp_path)
    trial = _import(acme, NEWER, tmp_path, dry_run=True)
    window = acme.signed_in()
    assert f'href="/imports/{trial.id}/changes"' in window.get(f"/imports/{trial.id}").text
    page = window.get(f"/imports/{trial.id}/changes").text
    text = _plain(page)
    assert "Name Harbour Lights Harbour Lights II" in text
    assert "Price €32.00 €35.00" in text
    # The same number in another currency is another price.
    assert "Price €14.90 £14.90" in text
    assert "<b>new</b>" not in page
    assert "&lt;b&gt;new&lt;/b&gt;" in page
    assert "Tin, €1.00" in _plain(window.get(f"/imports/{trial.id}/changes?view=products").text)
    assert window.get(f"/imports/{trial.id}/changes?cursor=nonsense").status_code == 303


def test_changes_are_paged_in_the_order_of_the_rows(acme: House, tmp_path: Path) -> None:
    lines = "".join(f"S{n:03},Thing {n},1.00\n" for n in range(90))
    run = _import(acme, f"sku,name,price\n{lines}", tmp_path)
    api, path = acme.api(), f"/imports/{run.id}/changes"
    query = {"action": "created", "limit": 50}
    first = api.get(path, query_string=query).json
    second = api.get(path, query_string={**query, "cursor": first["next_cursor"]}).json
    labels = [change["label"] for change in first["items"] + second["items"]]
    assert labels == [f"S{n:03}" for n in range(90)]
    assert second["next_cursor"] is None
    other = api.get(path, query_string={"action": "changed", "cursor": first["next_cursor"]})
    assert other.status_code == 422


def test_orders_and_the_products_they_need_are_listed(acme: House, tmp_path: Path) -> None:
    run = bring_in(acme, SHOP.encode(), resource="orders", tmp=tmp_path, currency="GBP")
    page = _plain(acme.signed_in().get(f"/imports/{run.id}/changes?view=orders").text)
    assert "900001 2 3 lines, £28.86" in page
    page = _plain(acme.signed_in().get(f"/imports/{run.id}/changes").text)
    assert "A100 2 RED LANTERN, £2.55" in page


def test_another_workspace_sees_no_changes(acme: House, globex: House, tmp_path: Path) -> None:
    run = _import(acme, PRODUCTS, tmp_path)
    assert globex.api().get(f"/imports/{run.id}/changes").status_code == 404
    assert globex.signed_in().get(f"/imports/{run.id}/changes").status_code == 404
    for path in ("retries", "undoing"):
        assert globex.api().post(f"/imports/{run.id}/{path}").status_code == 404
