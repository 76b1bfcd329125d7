"""What each export reads, as SQL for COPY: the tenant predicate stands on every table, beside the policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.exports.columns import Column, amount, label, moment, whole, words
from app.exports.models import ExportRun
from app.kit.errors import NotFound
from app.kit.paging import Cursor, ListKey, Order, Page, decode, page_of, paged
from tenants.context import Ctx

_RECENT = Order(ExportRun.created_at, ExportRun.id, descending=True)

_ORDER = (
    # What another system calls the order, or else our id: an import finds the order by it.
    words("reference", "COALESCE(o.external_ref, o.id::text)"),
    whole("number", "o.number"),
    moment("placed_at", "o.placed_at"),
    label("status", "o.status"),
    label("payment_status", "o.payment_status"),
    words("customer_email", "o.customer_email"),
    words("customer_name", "o.customer_name"),
    words("customer_reference", "o.customer_reference"),
    words("street", "o.ship_street"),
    words("city", "o.ship_city"),
    words("state", "o.ship_state"),
    words("zip", "o.ship_zip"),
    words("country", "o.ship_country"),
    words("note", "o.note"),
    label("currency", "o.currency"),
    amount("order_total", "o.total_minor", "o.currency"),
)
_LINE = (
    whole("position", "l.position"),
    label("kind", "l.kind"),
    words("sku", "l.sku"),
    words("product_name", "l.product_name"),
    whole("quantity", "l.quantity"),
    amount("unit_price", "l.price_minor", "o.currency"),
    amount("line_total", "l.subtotal_minor", "o.currency"),
)
_PRODUCT = (
    words("sku", "p.sku"),
    words("name", "p.name"),
    label("type", "p.type"),
    label("status", "p.status"),
    amount("price", "p.price_minor", "p.currency"),
    label("currency", "p.currency"),
    whole("inventory", "p.inventory"),
    words("category", "p.category"),
    words("description", "p.description"),
    label("id", "p.id::text"),
    moment("created_at", "p.created_at"),
    moment("updated_at", "p.updated_at"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """One export: columns, tables, order, and the filters that it takes with their conditions."""

    columns: tuple[Column, ...]
    tables: str
    tenant: str
    order: str
    filters: Mapping[str, str]
    # The table that has a row for each row of the export, where no filter needs the others.
    whole: str = ""


_ORDER_FILTERS = {
    "status": "o.status = %(status)s",
    "placed_from": "o.placed_at >= %(placed_from)s",
    "placed_to": "o.placed_at < %(placed_to)s",
}
SOURCES = {
    "products": Source(
        _PRODUCT,
        "product p",
        "p.tenant_id = %(tenant)s",
        "p.sku_norm, p.id",
        {"status": "p.status = %(status)s", "category": "p.category = %(category)s"},
    ),
    "orders": Source(
        (*_ORDER, label("source", "o.source"), moment("created_at", "o.created_at")),
        "sales_order o",
        "o.tenant_id = %(tenant)s",
        "o.number",
        _ORDER_FILTERS,
    ),
    "order_lines": Source(
        (*_ORDER, *_LINE),
        "sales_order o JOIN order_line l ON l.tenant_id = o.tenant_id AND l.order_id = o.id",
        "o.tenant_id = %(tenant)s AND l.tenant_id = %(tenant)s",
        "o.number, l.position",
        _ORDER_FILTERS,
        whole="order_line",
    ),
}


def select_sql(source: Source, filters: Mapping[str, Any], format_: str) -> str:
    """Return the query of an export; for formats that spreadsheets read, what they would run is disarmed."""
    columns = ", ".join(column.sql(format_) for column in source.columns)
    return f"SELECT {columns} FROM {source.tables} WHERE {_conditions(source, filters)} ORDER BY {source.order}"  # noqa: S608


def count_sql(source: Source, filters: Mapping[str, Any]) -> str:
    """Return the query that counts the rows of an export."""
    if source.whole and not filters:
        return f"SELECT count(*) FROM {source.whole} WHERE tenant_id = %(tenant)s"  # noqa: S608
    return f"SELECT count(*) FROM {source.tables} WHERE {_conditions(source, filters)}"  # noqa: S608


def parameters(tenant_id: UUID, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that go with the query of an export; the last day of a range is inside it."""
    values = {**filters, "tenant": tenant_id}
    if "placed_to" in values:
        values["placed_to"] = date.fromisoformat(values["placed_to"]) + timedelta(days=1)
    return values


def _conditions(source: Source, filters: Mapping[str, Any]) -> str:
    return " AND ".join([source.tenant, *(source.filters[name] for name in sorted(filters))])


def get_run(ctx: Ctx, *, run_id: UUID, lock: bool = False) -> ExportRun:
    """Return the export; `lock` holds it until the transaction ends.

    Raises NotFound.
    """
    query = select(ExportRun).where(ExportRun.tenant_id == ctx.tenant.id, ExportRun.id == run_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    run = ctx.db.scalar(query)
    if run is None:
        raise NotFound
    return run


def list_runs(ctx: Ctx, *, cursor: str | None, limit: int) -> Page:
    """Return one page of exports, the newest first.

    Raises Invalid for a cursor of another list.
    """
    key = ListKey(ctx.runtime.settings.secret_key, ctx.tenant.id, "exports")
    at: Cursor | None = decode(key, cursor) if cursor else None
    query = select(ExportRun).where(ExportRun.tenant_id == ctx.tenant.id)
    rows = ctx.db.scalars(paged(query, _RECENT, at, limit)).all()
    return page_of(rows, _RECENT, at, limit, key)
