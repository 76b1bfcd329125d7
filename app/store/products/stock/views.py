"""The pages of stock: a product's ledger, and what is in a bundle."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from app.kit import forms
from app.kit.errors import DomainError, Invalid
from app.kit.paging import DEFAULT_LIMIT
from app.store.products import queries as products
from app.store.products.stock import forms as words
from app.store.products.stock import queries, service
from app.store.text import normal
from app.web.forms import FormState
from app.web.templating import here_with
from tenants.access import access
from tenants.edge import current

web = Blueprint("stock_web", __name__, url_prefix="/products", template_folder="../templates")

Page = tuple[str, int]


@web.get("/<uuid:product_id>/stock")
@access("products.read")
def index(product_id: UUID) -> str | Response:
    """Show how many of a product there are, and every change that made it so."""
    try:
        return _ledger_page(product_id, None)[0]
    except Invalid:
        return redirect(here_with(cursor=None), 303)


@web.post("/<uuid:product_id>/stock")
@access("products.write")
def adjust(product_id: UUID) -> Page | Response:
    """Book what came in, was lost, or was counted."""
    ctx = current()
    try:
        values = forms.load(words.MOVEMENT_FORM, request.form)
        with ctx.db.begin_nested():
            product = service.adjust_stock(ctx, product_id=product_id, **values)
    except ValidationError as error:
        return _ledger_page(product_id, FormState.invalid(request.form, error.messages_dict), 422)
    except DomainError as error:
        return _ledger_page(product_id, FormState.failed(request.form, error), 422)
    flash(f"{product.name}: {product.inventory} in stock", "toast")
    return redirect(url_for(".index", product_id=product_id), 303)


@web.get("/<uuid:product_id>/parts")
@access("products.read")
def parts(product_id: UUID) -> str:
    """Show what is in a bundle."""
    return _parts_page(product_id, None)[0]


@web.post("/<uuid:product_id>/parts")
@access("products.write")
def save_parts(product_id: UUID) -> Page | Response:
    """Say what is in a bundle; "Add rows" only shows the form with more rows."""
    ctx = current()
    rows = words.row_count(request.form, 0)
    if request.form.get("more"):
        return _parts_page(product_id, FormState(request.form), rows=rows + words.MIN_ROWS)
    read, errors = words.read_parts(request.form, rows)
    ids = products.find_by_skus(ctx, skus=[sku for sku, _ in read.values()])
    errors |= {
        f"sku-{n}": "No product for sale has this SKU." for n, (sku, _) in read.items() if normal(sku) not in ids
    }
    if errors:
        return _parts_page(product_id, FormState(request.form, errors), 422, rows=rows)
    try:
        with ctx.db.begin_nested():
            service.set_parts(
                ctx, bundle_id=product_id, parts=[(ids[normal(sku)], quantity) for sku, quantity in read.values()]
            )
    except DomainError as error:
        return _parts_page(product_id, FormState.failed(request.form, error), 422, rows=rows)
    flash("Contents saved", "toast")
    return redirect(url_for(".parts", product_id=product_id), 303)


def _ledger_page(product_id: UUID, state: FormState | None, status: int = 200) -> Page:
    ctx = current()
    product = products.get_product(ctx, product_id=product_id)
    cursor = request.args.get("cursor")
    page = render_template(
        "store/stock.html",
        words=words,
        product=product,
        page=queries.list_movements(ctx, product_id=product_id, cursor=cursor, limit=DEFAULT_LIMIT),
        state=state,
        may_write=ctx.actor.may("products.write") and product.inventory is not None,
        may_see_orders=ctx.actor.may("orders.read"),
    )
    return page, status


def _parts_page(product_id: UUID, state: FormState | None, status: int = 200, *, rows: int = 0) -> Page:
    ctx = current()
    bundle = products.get_product(ctx, product_id=product_id)
    inside = queries.list_parts(ctx, bundle_id=product_id)
    may_write = ctx.actor.may("products.write") and bundle.type == "bundle" and bundle.status != "archived"
    page = render_template(
        "store/parts_of_bundle.html",
        bundle=bundle,
        inside=inside,
        state=state,
        rows=rows or words.row_count({}, len(inside)),
        for_sale=products.list_for_sale(ctx) if may_write else [],
        may_write=may_write,
    )
    return page, status
