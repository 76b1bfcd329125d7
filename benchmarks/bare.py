"""The floor of a list: Flask, SQLAlchemy Core and orjson, and nothing that knows of tenants, people or limits."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import orjson
from flask import Flask, Response, request
from sqlalchemy import Engine, MetaData, Row, Table, create_engine, select

from app.store.products.models import Product
from tenants.databases import sqlalchemy_url
from tenants.tenant import Tenant

_COLUMNS = ("id", "type", "name", "sku", "description", "category", "price_minor", "currency", "inventory", "status",
            "created_at", "updated_at", "row_version")  # fmt: skip
_UTC = orjson.OPT_UTC_Z


def bare_app(url: str, tenant: Tenant, next_cursor: str | None, *, by_position: bool = False) -> tuple[Flask, Engine]:
    """Return an application that lists the tenant's products, newest first, or shows one, and its engine.

    `by_position` takes rows apart as a tuple instead of asking for columns by name, which few views do.
    """
    app = Flask("bare", static_folder=None)
    engine = create_engine(sqlalchemy_url(url), pool_size=1, max_overflow=0, connect_args={"prepare_threshold": None})
    table = cast(Table, Product.__table__).to_metadata(MetaData(), schema=str(tenant.schema))
    columns = [table.c[name] for name in _COLUMNS]
    item = _by_position if by_position else _by_name

    @app.get("/api/v1/products")
    def products() -> Response:
        query = select(*columns).where(table.c.tenant_id == tenant.id)
        newest = query.order_by(table.c.created_at.desc(), table.c.id.desc())
        with engine.connect() as connection:
            rows = connection.execute(newest.limit(int(request.args["limit"]))).all()
        body = {"items": [item(row) for row in rows], "next_cursor": next_cursor}
        return Response(orjson.dumps(body, option=_UTC), mimetype="application/json")

    @app.get("/api/v1/products/<uuid:product_id>")
    def product(product_id: UUID) -> Response:
        query = select(*columns).where(table.c.tenant_id == tenant.id, table.c.id == product_id)
        with engine.connect() as connection:
            row = connection.execute(query).one()
        return Response(orjson.dumps(item(row), option=_UTC), mimetype="application/json")

    return app, engine


def _by_name(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    return {
        "id": row.id,
        "type": row.type,
        "name": row.name,
        "sku": row.sku,
        "description": row.description,
        "category": row.category,
        "price": f"{row.price_minor // 100}.{row.price_minor % 100:02d}",
        "currency": row.currency,
        "inventory": row.inventory,
        "status": row.status,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "version": row.row_version,
    }


def _by_position(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    id_, kind, name, sku, description, category, price_minor, currency, inventory, status, made, changed, version = row
    return {
        "id": id_,
        "type": kind,
        "name": name,
        "sku": sku,
        "description": description,
        "category": category,
        "price": f"{price_minor // 100}.{price_minor % 100:02d}",
        "currency": currency,
        "inventory": inventory,
        "status": status,
        "created_at": made,
        "updated_at": changed,
        "version": version,
    }
