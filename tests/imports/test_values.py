"""What people write in cells, and what it means."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.imports.mapping import columns, guess, month_first
from app.imports.orders.rows import FIELDS as ORDER_FIELDS
from app.imports.products.rows import FIELDS as PRODUCT_FIELDS
from app.imports.rules import kind_of
from app.imports.values import BadCell, Dates, instant, money, whole
from app.kit.errors import Invalid
from tests.imports.shop import HEADER

LATEST = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cell", "minor"),
    [("2.55", 255), ("0.0", 0), ("£1,234.50", 123450), ("1.234,50 €", 123450), ("2,5", 250), ("1,234", 123400),
     ("2.550", 255), ("12", 1200), (" 7.5 ", 750)],
)  # fmt: skip
def test_amounts_are_read_as_people_write_them(cell: str, minor: int) -> None:
    assert money(cell, "GBP") == minor


@pytest.mark.parametrize("cell", ["free", "-1", "2.555", "1e5", "=1+1", "", "1,2,3", "99999999999999999"])
def test_what_is_no_amount_is_refused(cell: str) -> None:
    with pytest.raises(BadCell):
        money(cell, "GBP")


def test_a_currency_without_cents_has_none() -> None:
    assert money("1500", "JPY") == 1500
    with pytest.raises(BadCell):
        money("1500.5", "JPY")


@pytest.mark.parametrize(("cell", "number"), [("6", 6), ("6.0", 6), ("1,200", 1200), ("+3", 3)])
def test_whole_numbers_are_read_as_spreadsheets_write_them(cell: str, number: int) -> None:
    assert whole(cell, low=1, high=10_000) == number


@pytest.mark.parametrize("cell", ["6.5", "six", "0", "10001", "=2*3", "-1"])
def test_what_is_no_quantity_is_refused(cell: str) -> None:
    with pytest.raises(BadCell):
        whole(cell, low=1, high=10_000)


@pytest.mark.parametrize(
    ("cell", "dates", "found"),
    [
        ("2010-12-01 08:26:00", Dates(), datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        ("2010-12-01T08:26:00+00:00", Dates(), datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        ("2010-12-01T08:26:00Z", Dates(ZoneInfo("Asia/Tokyo")), datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        ("2010-12-01 08:26", Dates(ZoneInfo("Europe/Berlin")), datetime(2010, 12, 1, 7, 26, tzinfo=UTC)),
        ("01/12/2010 8:26", Dates(), datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        ("12/1/2010 8:26", Dates(month_first=True), datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        ("01.12.2010", Dates(month_first=True), datetime(2010, 12, 1, tzinfo=UTC)),
    ],
)
def test_dates_are_read_by_the_zone_and_order_that_were_chosen(cell: str, dates: Dates, found: datetime) -> None:
    assert instant(cell, dates, latest=LATEST) == found


@pytest.mark.parametrize("cell", ["2010-13-01", "yesterday", "1960-01-01", "2999-01-01", "31/31/2010", "=NOW()"])
def test_what_is_no_date_of_an_order_is_refused(cell: str) -> None:
    with pytest.raises(BadCell):
        instant(cell, Dates(), latest=LATEST)


def test_the_headers_of_a_real_shop_are_recognised() -> None:
    header = HEADER.split(",")
    assert guess(ORDER_FIELDS, header) == {
        "reference": "InvoiceNo", "sku": "StockCode", "product_name": "Description", "quantity": "Quantity",
        "placed_at": "InvoiceDate", "unit_price": "UnitPrice", "customer_reference": "CustomerID",
        "country": "Country",
    }  # fmt: skip
    assert guess(PRODUCT_FIELDS, header) == {"sku": "StockCode", "name": "Description", "price": "UnitPrice"}


def test_a_description_beside_a_name_is_a_description() -> None:
    found = guess(PRODUCT_FIELDS, ["SKU", "Name", "Description", "Price"])
    assert found == {"sku": "SKU", "name": "Name", "description": "Description", "price": "Price"}


def test_a_mapping_that_does_not_fit_points_at_each_field() -> None:
    with pytest.raises(Invalid) as refused:
        columns(PRODUCT_FIELDS, ["SKU", "Name"], {"sku": "SKU", "name": "Title", "colour": "Name"})
    assert {error.pointer for error in refused.value.errors} == {
        "#/mapping/colour", "#/mapping/name", "#/mapping/price"
    }  # fmt: skip


def test_dates_with_the_month_first_are_noticed() -> None:
    assert month_first(["12/24/2010 8:00"])
    assert not month_first(["24/12/2010", "2010-12-24"])


@pytest.mark.parametrize(
    ("code", "name", "kind"),
    [("POST", "POSTAGE", "postage"), ("C2", "CARRIAGE", "postage"), ("M", "Manual", "manual"),
     ("BANK CHARGES", "Bank Charges", "fee"), ("m", "manual", "manual"), ("M", "Mug", None), ("22423", "Post", None)],
)  # fmt: skip
def test_codes_that_are_no_products_are_known_by_code_and_name(code: str, name: str, kind: str | None) -> None:
    assert kind_of(code, name) == kind
