"""The pages of products."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from app.kit import forms
from app.kit.concurrency import form_version
from app.kit.errors import DomainError, Invalid, StaleVersion
from app.kit.ids import parse_id
from app.kit.paging import DEFAULT_LIMIT
from app.store.lists import Tab, read_query, tab
from app.store.products import forms as words
from app.store.products import queries, service
from app.store.products.models import Product
from app.web.forms import FormState
from app.web.templating import here_with
from tenants import quotas
from tenants.access import access
from tenants.edge import current
from tenants.errors import LimitExceeded

web = Blueprint("products_web", __name__, url_prefix="/products", template_folder="../templates")

_BULK = {"archive": "archived", "active": "set active", "draft": "set back to draft", "restore": "restored"}
_UNDO = {"archive": "restore", "restore": "archive"}
Page = tuple[str, int]


@web.get("")
@access("products.read")
def index() -> str | Response:
    """Find products, change many; `?open=` shows one beside the list."""
    ctx = current()
    query = read_query(words.LIST_QUERY, request.args)
    stock = "low" if request.args.get("stock") == "low" else None
    sort = query["sort"] if "sort" in request.args else "name"
    filters = queries.ProductFilter(
        q=query["q"], status=query.get("status"), category=query.get("category"), type=query.get("type"),
        stock=stock, sort=sort,
    )  # fmt: skip
    try:
        page = queries.list_products(ctx, filters=filters, cursor=query.get("cursor"), limit=DEFAULT_LIMIT)
    except Invalid:
        return redirect(here_with(cursor=None), 303)
    opened = _opened(request.args.get("open"))
    counts = queries.count_by_view(ctx)
    return render_template(
        "store/products.html",
        words=words,
        page=page,
        filters=filters,
        tabs=_tabs(filters, counts),
        counts=counts,
        categories=queries.list_categories(ctx),
        open=opened,
        may_write=ctx.actor.may("products.write"),
        may_export=ctx.actor.may("exports.run"),
    )


@web.get("/new")
@access("products.write")
def new() -> str:
    """Show the form for a product."""
    return _form_page(None, None)[0]


@web.post("/new")
@access("products.write")
def create() -> Page | Response:
    """Add a product."""
    ctx = current()
    try:
        values = forms.load(words.PRODUCT_FORM, request.form)
        with ctx.db.begin_nested():
            product = service.create_product(ctx, **values)
    except ValidationError as error:
        return _form_page(None, FormState.invalid(request.form, error.messages_dict), 422)
    except DomainError as error:
        return _form_page(None, FormState.failed(request.form, error), _status(error))
    flash(f"{product.name} added", "toast")
    return redirect(url_for(".edit", product_id=product.id), 303)


@web.get("/<uuid:product_id>")
@access("products.read")
def edit(product_id: UUID) -> str:
    """Show one product, ready to be changed by those who may."""
    return _form_page(queries.get_product(current(), product_id=product_id), None)[0]


@web.post("/<uuid:product_id>")
@access("products.write")
def save(product_id: UUID) -> Page | Response:
    """Save a product, unless someone else saved it meanwhile: then show both versions."""
    ctx = current()
    product = queries.get_product(ctx, product_id=product_id)
    if request.form.get("again"):
        # Back from the comparison of two versions: the same words, on the newest version, nothing saved yet.
        return _form_page(product, FormState(request.form))
    try:
        versions = form_version(request.form.get("version"))
        values = forms.load(words.PRODUCT_FORM, request.form)
        with ctx.db.begin_nested():
            service.update_product(ctx, product_id=product_id, changes=values, versions=versions)
    except ValidationError as error:
        return _form_page(product, FormState.invalid(request.form, error.messages_dict), 422)
    except StaleVersion:
        return _conflict_page(queries.get_product(ctx, product_id=product_id, lock=True))
    except DomainError as error:
        return _form_page(product, FormState.failed(request.form, error), _status(error))
    flash("Changes saved", "toast")
    return redirect(url_for(".edit", product_id=product_id), 303)


@web.post("/<uuid:product_id>/delete")
@access("products.write")
def delete(product_id: UUID) -> Response:
    """Delete a product that was never ordered; archive one that was."""
    kept = service.remove_product(current(), product_id=product_id)
    if kept is None:
        flash("Product deleted", "toast")
        return redirect(url_for(".index"), 303)
    _say("archive", [kept.id], f"{kept.name} has orders, so it was archived")
    return redirect(url_for(".edit", product_id=product_id), 303)


@web.post("/bulk")
@access("products.write")
def bulk() -> Response:
    """Archive, restore, publish or unpublish the chosen products; the toast takes it back."""
    ctx = current()
    action = request.form.get("action", "")
    if action not in _BULK:
        raise Invalid.field("action", f"Choose one of: {', '.join(_BULK)}.")
    chosen = request.form.getlist("id") + request.form.get("ids", "").split(",")
    ids = [found for text in chosen if (found := parse_id(text)) is not None]
    changed = service.change_many(ctx, ids=ids[:DEFAULT_LIMIT], action=action)
    if changed:
        _say(action, changed, f"{len(changed)} {'product' if len(changed) == 1 else 'products'} {_BULK[action]}")
    else:
        flash("Nothing to change: choose products first" if not ids else "Nothing to change", "toast")
    return redirect(_back(), 303)


def _opened(text: str | None) -> Product | None:
    product_id = parse_id(text) if text else None
    return queries.find_product(current(), product_id=product_id) if product_id else None


def _tabs(filters: queries.ProductFilter, counts: dict[str, int]) -> list[Tab]:
    """Return the views above the list with their counts."""
    low = filters.stock == "low"
    states = [("Active", "active"), ("Drafts", "draft"), ("Archived", "archived")]
    found = [tab("All", counts["all"], current=not low and not filters.status, status=None, stock=None)]
    found += [
        tab(label, counts.get(name, 0), current=filters.status == name and not low, status=name, stock=None)
        for label, name in states
    ]
    found.insert(3, tab("Low stock", counts["low"], current=low, status=None, stock="low"))
    return found


def _form_page(product: Product | None, state: FormState | None, status: int = 200) -> Page:
    ctx = current()
    currency = product.currency if product else queries.usual_currency(ctx)
    page = render_template(
        "store/product.html",
        words=words,
        product=product,
        state=state,
        values=words.form_values(product) if product else {"currency": currency, "status": "active"},
        currencies=words.currency_options(currency),
        quota=quotas.quota(ctx, service.METRIC),
        may_write=ctx.actor.may("products.write"),
    )
    return page, status


def _conflict_page(product: Product) -> Page:
    sent: dict[str, Any] = {name: request.form[name] for name in words.PRODUCT_FORM.load_fields if name in request.form}
    page = render_template(
        "store/product_conflict.html", product=product, sent=sent, changes=words.differences(product, sent)
    )
    return page, 412


def _status(error: DomainError) -> int:
    return error.status if isinstance(error, LimitExceeded) else 422


def _say(action: str, ids: list[UUID], text: str) -> None:
    undo = _UNDO.get(action)
    if undo is None:
        flash(text, "toast")
        return
    fields = {"action": undo, "ids": ",".join(str(one) for one in ids)}
    flash({"text": text, "undo": url_for(".bulk"), "fields": fields}, "toast")  # type: ignore[arg-type]


def _back() -> str:
    """Return the list as it was: only its own query is taken over."""
    return url_for(".index") + (f"?{request.query_string.decode('ascii', 'ignore')}" if request.query_string else "")
