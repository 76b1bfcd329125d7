"""The JSON door of imports: what it takes, what it refuses, and whose imports it shows."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import requests

from app.imports import doors
from tests.imports.shop import BROKEN, HEADER, SHOP, SHOP_ROWS
from tests.world import Api, House


def _send(
    api: Api, content: bytes | str = SHOP, *, name: str = "orders.csv", key: str | None = None, **form: Any
) -> Any:
    body = content.encode() if isinstance(content, str) else content
    data = {"resource": "orders", "currency": "GBP", **form, "file": (io.BytesIO(body), name)}
    headers = {"Idempotency-Key": key} if key else {}
    return api.post("/imports", data=data, content_type="multipart/form-data", headers=headers)


def _pointers(answer: Any) -> set[str]:
    return {error["pointer"] for error in answer.json["errors"]}


def test_an_import_is_accepted_runs_and_shows_its_end(acme: House) -> None:
    api = acme.api()
    answer = _send(api)
    assert answer.status_code == 202
    assert answer.json["state"] == "queued"
    assert answer.headers["Location"] == answer.json["job_url"]
    acme.world.drain()
    job = api.get(f"/jobs/{answer.json['job_id']}").json
    assert (job["state"], job["result"]["rows"]["imported"]) == ("succeeded", SHOP_ROWS)
    shown = api.get(f"/imports/{answer.json['id']}").json
    assert shown["rows"] == {
        "read": SHOP_ROWS, "imported": SHOP_ROWS, "new": SHOP_ROWS, "changed": 0, "unchanged": 0, "failed": 0
    }  # fmt: skip
    assert shown["totals"] == {"GBP": "127.41"}
    assert api.get("/imports").json["items"][0]["id"] == answer.json["id"]


def test_issues_are_paged_in_the_order_of_the_rows(acme: House) -> None:
    api = acme.api()
    sent = _send(api, BROKEN)
    acme.world.drain()
    path = f"/imports/{sent.json['id']}/issues"
    first = api.get(path, query_string={"limit": 10}).json
    second = api.get(path, query_string={"limit": 100, "cursor": first["next_cursor"]}).json
    seen = [issue["row"] for issue in first["items"] + second["items"]]
    assert seen == sorted(seen)
    assert len(first["items"]) == 10
    assert second["next_cursor"] is None


def test_the_report_is_a_file_of_the_rows_with_what_is_said_of_them(acme: House) -> None:
    api = acme.api()
    sent = _send(api, BROKEN)
    acme.world.drain()
    answer = api.get(f"/imports/{sent.json['id']}/report")
    assert answer.status_code == 303
    assert "X-Amz-Expires=60" in answer.headers["Location"]
    report = requests.get(answer.headers["Location"], timeout=10)
    assert report.headers["Content-Disposition"].startswith("attachment;")
    lines = report.content.decode().splitlines()
    assert lines[0] == f"row,imported,problem,{HEADER}"
    assert any(line.startswith("6,no,") and "six" in line for line in lines)
    # A formula of the file stays harmless in the report.
    assert any(",'=1+1," in line for line in lines)


def test_a_trial_is_asked_for_by_dry_run(acme: House) -> None:
    api = acme.api()
    sent = _send(api, dry_run="true")
    acme.world.drain()
    assert api.get(f"/imports/{sent.json['id']}").json["rows"]["imported"] == SHOP_ROWS
    assert api.get("/orders").json["items"] == []


def test_the_same_key_and_file_start_one_import(acme: House) -> None:
    api = acme.api()
    key = str(uuid4())
    one, two = _send(api, key=key), _send(api, key=key)
    assert (one.status_code, two.status_code) == (202, 202)
    assert one.json["id"] == two.json["id"]
    assert len(api.get("/imports").json["items"]) == 1
    other = _send(api, SHOP + "900009,A100,RED LANTERN,1,2010-12-02,1.00,1.0,France\n", key=key)
    assert (other.status_code, other.json["code"]) == (422, "idempotency.mismatch")


def test_the_file_of_an_earlier_import_can_be_named(acme: House) -> None:
    api = acme.api()
    first = _send(api, dry_run="true").json
    data = {"resource": "orders", "file_id": first["file_id"], "currency": "GBP"}
    second = api.post("/imports", data=data, content_type="multipart/form-data")
    assert second.status_code == 202
    acme.world.drain()
    assert api.get(f"/imports/{second.json['id']}").json["rows"]["imported"] == SHOP_ROWS


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"resource": "books"}, "#/resource"),
        ({"currency": "XXX1"}, "#/currency"),
        ({"time_zone": "Mars/Base"}, "#/time_zone"),
        ({"mapping": "no json"}, "#/mapping"),
        ({"mapping": '{"sku": "Nowhere"}'}, "#/mapping/sku"),
        ({"mapping": '{"colour": "StockCode"}'}, "#/mapping/colour"),
        ({"surprise": "1"}, "#/surprise"),
        ({"order_state": "lost"}, "#/order_state"),
        ({"file_id": str(uuid4())}, "#/file_id"),
    ],
)
def test_a_wrong_field_is_pointed_at(acme_api: Api, changes: dict[str, str], pointer: str) -> None:
    answer = _send(acme_api, **changes)
    assert answer.status_code == 422
    assert pointer in _pointers(answer)


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"", "a.csv"), (b"PK\x03\x04zip", "a.csv"), (b"a,b\n1,2\n", "a.ods"), (b"a,b\n1,2\n", "a.exe")],
)
def test_what_is_no_csv_is_refused_at_the_file(acme_api: Api, content: bytes, name: str) -> None:
    answer = _send(acme_api, content, name=name)
    assert answer.status_code == 422
    assert _pointers(answer) == {"#/file"}


def test_a_missing_file_is_pointed_at(acme_api: Api) -> None:
    answer = acme_api.post("/imports", data={"resource": "orders"}, content_type="multipart/form-data")
    assert (answer.status_code, _pointers(answer)) == (422, {"#/file"})


def test_json_is_not_taken(acme_api: Api) -> None:
    assert acme_api.post("/imports", json={"resource": "orders"}).status_code == 415


def test_a_file_over_the_limit_is_413(acme_api: Api) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n%b\r\n--x--\r\n'
    huge = body % (b"y" * (doors.MAX_FILE + 128 * 1024))
    answer = acme_api.post("/imports", data=huge, content_type="multipart/form-data; boundary=x")
    assert (answer.status_code, answer.json["code"]) == (413, "request.too_large")


def test_another_workspace_sees_nothing(acme: House, globex: House) -> None:
    mine, theirs = acme.api(), globex.api()
    sent = _send(mine, BROKEN).json
    acme.world.drain()
    unknown = theirs.get(f"/imports/{uuid4()}")
    for path in ("", "/issues", "/report"):
        foreign = theirs.get(f"/imports/{sent['id']}{path}")
        assert foreign.status_code == 404
        assert {k: foreign.json[k] for k in ("title", "detail", "code")} == {
            k: unknown.json[k] for k in ("title", "detail", "code")
        }
    data = {"resource": "orders", "file_id": sent["file_id"]}
    answer = theirs.post("/imports", data=data, content_type="multipart/form-data")
    assert (answer.status_code, _pointers(answer)) == (422, {"#/file_id"})


def test_a_link_to_a_report_ends_after_its_minute(acme: House) -> None:
    api = acme.api()
    sent = _send(api, BROKEN).json
    acme.world.drain()
    location = api.get(f"/imports/{sent['id']}/report").headers["Location"]
    assert f"/tenant/{acme.tenant.id}/report/" in urlsplit(location).path
    tampered = location.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")
    assert requests.get(tampered, timeout=10).status_code == 403
