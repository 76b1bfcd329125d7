"""The doors of exports: who may ask for what, and who may have the file."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.exports.support import table
from tests.imports.shop import PRODUCTS
from tests.imports.support import bring_in
from tests.world import House


@pytest.fixture
def filled(acme: House, tmp_path: Any) -> House:
    """Return a tenant with three products."""
    bring_in(acme, PRODUCTS.encode(), resource="products", tmp=tmp_path)
    return acme


def test_an_export_ends_in_a_link_that_saves_a_plain_file(filled: House) -> None:
    api = filled.api()
    sent = api.post("/exports", json={"resource": "products", "format": "csv"})
    assert sent.status_code == 202
    assert "download_url" not in sent.json
    filled.world.drain()
    job = api.get(f"/jobs/{sent.json['job_id']}").json
    assert (job["state"], job["result"]["rows"]) == ("succeeded", 3)
    answer = requests.get(job["result"]["download_url"], timeout=10)
    assert len(table(answer.content)) == 3
    assert re.fullmatch(
        rf"attachment; filename=\"{filled.tenant.slug}-products-\d{{4}}-\d\d-\d\d\.csv\".*",
        answer.headers["Content-Disposition"],
    )
    assert answer.headers["Content-Type"].startswith("text/csv")
    shown = api.get(f"/exports/{sent.json['id']}").json
    assert (shown["rows"], shown["state"]) == (3, "succeeded")
    assert "X-Amz-Expires=3600" in shown["download_url"]


def test_the_ledger_holds_no_link(filled: House) -> None:
    filled.api().post("/exports", json={"resource": "products"})
    filled.world.drain()
    with filled.ctx() as ctx:
        stored = ctx.db.connection().exec_driver_sql(
            "SELECT result::text FROM desk.job WHERE tenant_id = %s AND kind = 'exports.run'", (ctx.tenant.id,)
        )
        assert "X-Amz" not in stored.scalar_one()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"resource": "users"}, "#/resource"),
        ({"resource": "products", "format": "ods"}, "#/format"),
        ({"resource": "products", "filters": {"placed_from": "2010-12-01"}}, "#/filters/placed_from"),
        ({"resource": "orders", "filters": {"placed_to": "9999-12-31"}}, "#/filters/placed_to"),
        ({"resource": "orders", "filters": {"placed_to": "soon"}}, "#/filters/placed_to"),
        ({"resource": "orders", "tenant_id": "x"}, "#/tenant_id"),
        ({}, "#/resource"),
    ],
)
def test_a_wrong_field_is_pointed_at(acme: House, body: dict[str, Any], pointer: str) -> None:
    answer = acme.api().post("/exports", json=body)
    assert answer.status_code == 422
    assert pointer in {error["pointer"] for error in answer.json["errors"]}


def test_the_page_shows_progress_and_sends_to_a_link_of_one_minute(filled: House) -> None:
    window = filled.signed_in()
    answer = window.submit("/exports/new", {"resource": "products", "format": "ndjson"})
    assert answer.status_code == 303, answer.text
    place = answer.headers["Location"]
    assert f'hx-get="{place}/part"' in window.get(place).text
    filled.world.drain()
    assert f'href="{place}/download"' in window.get(place).text
    sent = window.get(f"{place}/download")
    assert sent.status_code == 303
    assert "X-Amz-Expires=60" in sent.headers["Location"]
    assert sent.headers["Cache-Control"] == "no-store"
    assert len(requests.get(sent.headers["Location"], timeout=10).content.splitlines()) == 3
    assert f'href="{place}/download"' in window.get("/exports").text


def test_a_wrong_day_shows_the_form_again(acme: House) -> None:
    answer = acme.signed_in().submit(
        "/exports/new", {"resource": "orders", "format": "csv", "placed_from": "yesterday"}
    )
    assert answer.status_code == 422
    assert "Write a day, like 2010-12-01." in answer.text


def test_another_workspace_finds_nothing(filled: House, globex: House) -> None:
    sent = filled.api().post("/exports", json={"resource": "products"}).json
    filled.world.drain()
    stranger = globex.api()
    assert stranger.get(f"/exports/{sent['id']}").status_code == 404
    assert stranger.get(f"/jobs/{sent['job_id']}").status_code == 404
    window = globex.signed_in()
    assert window.get(f"/exports/{sent['id']}/download").status_code == 404
    assert window.get(f"/exports/{uuid4()}/download").status_code == 404
