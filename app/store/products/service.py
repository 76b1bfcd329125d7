"""What people do with products."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from psycopg.errors import ForeignKeyViolation
from sqlalchemy.exc import IntegrityError

from app.kit.concurrency import ANY_VERSION, Versions
from app.kit.errors import FieldError, Invalid
from app.kit.events import Event
from app.kit.ids import new_id
from app.store.products import errors, events, queries
from app.store.products.models import Product
from app.store.products.stock import queries as stock_queries
from app.store.products.stock import service as stock
from app.store.text import normal
from tenants import quotas
from tenants.context import Ctx

METRIC = "products"
_OPEN_STATES = ("draft", "active")
_EDITABLE = frozenset(
    {"name", "sku", "type", "description", "category", "price_minor", "currency", "inventory", "status"}
)


def create_product(
    ctx: Ctx,
    *,
    name: str,
    sku: str,
    price_minor: int,
    currency: str,
    type: str = "physical",  # noqa: A002
    description: str = "",
    category: str = "",
    inventory: int | None = None,
    status: str = "active",
) -> Product:
    """Add a product.

    Raises SkuTaken, LimitExceeded.
    """
    ctx.require("products.write")
    _require_free(ctx, sku)
    quotas.reserve(ctx, METRIC)
    product = Product(
        id=new_id(),
        name=name,
        name_norm=normal(name),
        sku=sku,
        sku_norm=normal(sku),
        type=type,
        description=description,
        category=category,
        price_minor=price_minor,
        currency=currency,
        inventory=inventory,
        stock_opened=True,
        status=status,
        created_by=ctx.actor.id,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    ctx.db.add(product)
    _flush(ctx, sku)
    stock.open_account(ctx, product)
    ctx.emit(_fact(events.ProductCreated, product))
    return product


def update_product(
    ctx: Ctx, *, product_id: UUID, changes: Mapping[str, Any], versions: Versions = ANY_VERSION
) -> Product:
    """Change fields of a product; what is equal already costs nothing and makes no new version.

    Raises NotFound, StaleVersion, ProductArchived, SkuTaken, and Invalid for a part that would become a bundle.
    """
    ctx.require("products.write")
    product = queries.get_product(ctx, product_id=product_id, lock=True)
    versions.check(product.row_version)
    return _change(ctx, product, changes)


def archive_product(ctx: Ctx, *, product_id: UUID, versions: Versions = ANY_VERSION) -> Product:
    """Take a product out of sale; its place in the plan and its SKU become free. Archiving twice is archiving once.

    Raises NotFound, StaleVersion.
    """
    ctx.require("products.write")
    product = queries.get_product(ctx, product_id=product_id, lock=True)
    versions.check(product.row_version)
    return _archive(ctx, product)


def restore_product(ctx: Ctx, *, product_id: UUID) -> Product:
    """Bring a product back from the archive, in the state that it had.

    Raises NotFound, SkuTaken, LimitExceeded.
    """
    ctx.require("products.write")
    product = queries.get_product(ctx, product_id=product_id, lock=True)
    return _restore(ctx, product)


def remove_product(ctx: Ctx, *, product_id: UUID, versions: Versions = ANY_VERSION) -> Product | None:
    """Delete a product that no order has; archive any other and return it.

    Raises NotFound, StaleVersion.
    """
    ctx.require("products.write")
    product = queries.get_product(ctx, product_id=product_id, lock=True)
    versions.check(product.row_version)
    if not _delete(ctx, product):
        return _archive(ctx, product)
    if product.status != "archived":
        quotas.release(ctx, METRIC)
    ctx.emit(_fact(events.ProductDeleted, product))
    return None


def change_many(ctx: Ctx, *, ids: Iterable[UUID], action: str) -> list[UUID]:
    """Archive, restore, publish ("active") or unpublish ("draft") products; return those that changed.

    Ids that nobody knows are passed over: someone else may just have deleted them. Raises SkuTaken, LimitExceeded.
    """
    ctx.require("products.write")
    changed = []
    for product in queries.find_products(ctx, ids=ids, lock=True).values():
        before = product.status
        _change_one(ctx, product, action)
        if product.status != before:
            changed.append(product.id)
    return changed


def _change_one(ctx: Ctx, product: Product, action: str) -> None:
    if action == "archive":
        _archive(ctx, product)
    elif product.status == "archived" and action in ("restore", "active"):
        _restore(ctx, product)
    if action in _OPEN_STATES and product.status != "archived":
        _change(ctx, product, {"status": action})


def _archive(ctx: Ctx, product: Product) -> Product:
    if product.status != "archived":
        product.archive(ctx.now)
        product.updated_at = ctx.now
        ctx.db.flush()
        quotas.release(ctx, METRIC)
        ctx.emit(_fact(events.ProductArchived, product))
    return product


def _restore(ctx: Ctx, product: Product) -> Product:
    if product.status == "archived":
        _require_free(ctx, product.sku)
        quotas.reserve(ctx, METRIC)
        product.restore()
        product.updated_at = ctx.now
        _flush(ctx, product.sku)
        ctx.emit(_fact(events.ProductUpdated, product))
    return product


def _change(ctx: Ctx, product: Product, wanted: Mapping[str, Any]) -> Product:
    if product.status == "archived":
        raise errors.ProductArchived("Restore the product before you change it.")
    _require_editable(wanted)
    changes = {name: value for name, value in wanted.items() if getattr(product, name) != value}
    if not changes:
        return product
    if changes.get("type") == "bundle" and stock_queries.is_part(ctx, product_id=product.id):
        raise Invalid.field("type", "It is in a bundle, and a bundle cannot hold a bundle. Take it out there first.")
    if "sku" in changes and normal(changes["sku"]) != product.sku_norm:
        _require_free(ctx, changes["sku"])
    for name, value in changes.items():
        if name != "inventory":
            setattr(product, name, value)
    product.name_norm, product.sku_norm = normal(product.name), normal(product.sku)
    product.updated_at = ctx.now
    _flush(ctx, product.sku)
    if "inventory" in changes:
        stock.set_inventory(ctx, product, changes["inventory"])
    ctx.emit(_fact(events.ProductUpdated, product))
    return product


def _delete(ctx: Ctx, product: Product) -> bool:
    """Delete `product` unless something refers to it; the database knows, and waits for orders being placed."""
    try:
        with ctx.db.begin_nested():
            ctx.db.delete(product)
    except IntegrityError as error:
        if isinstance(error.orig, ForeignKeyViolation):
            return False
        raise
    return True


def _require_editable(changes: Mapping[str, Any]) -> None:
    unknown = sorted(changes.keys() - _EDITABLE)
    if unknown:
        raise Invalid(errors=[FieldError(f"#/{name}", "This cannot be changed.") for name in unknown])


def _require_free(ctx: Ctx, sku: str) -> None:
    if queries.sku_owner(ctx, sku=sku) is not None:
        raise _taken(sku)


def _flush(ctx: Ctx, sku: str) -> None:
    """Write what is pending; the unique index has the last word where two used one SKU at once."""
    try:
        ctx.db.flush()
    except IntegrityError as error:
        if "uq_product_sku" in str(error.orig):
            raise _taken(sku) from error
        raise


def _taken(sku: str) -> errors.SkuTaken:
    told = f"Another product has the SKU {sku}. Choose another one."
    return errors.SkuTaken(told, errors=[FieldError("#/sku", told)])


def _fact(kind: type[events.ProductEvent], product: Product) -> Event:
    return kind(aggregate_id=product.id, sku=product.sku, name=product.name, status=product.status)
