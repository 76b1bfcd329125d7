"""The pages of orders."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from app.kit.concurrency import form_version
from app.kit.errors import DomainError, Invalid
from app.kit.fields import Text
from app.kit.paging import DEFAULT_LIMIT
from app.store.lists import Tab, read_query, tab
from app.store.orders import forms as words
from app.store.orders import placing, queries, service
from app.store.orders.models import STATUSES
from app.store.orders.schemas import MAX_LINES
from app.store.products import queries as products
from app.store.products.forms import TYPE_ICONS, TYPE_WORDS
from app.store.products.stock.offer import Wish
from app.store.text import normal
from app.web.forms import FormState
from app.web.templating import here_with
from tenants import quotas
from tenants.access import access
from tenants.edge import current
from tenants.errors import LimitExceeded

web = Blueprint("orders_web", __name__, url_prefix="/orders", template_folder="../templates")

_NOTE = Text(longest=2000, lines=True)
Page = tuple[str, int]


@web.get("")
@access("orders.read")
def index() -> str | Response:
    """Find orders: by state, by customer's e-mail address or by number."""
    ctx = current()
    query = read_query(words.LIST_QUERY, request.args)
    found = _sought(request.args.get("q", ""))
    filters = queries.OrderFilter(status=query.get("status"), sort=query["sort"], **(found or {}))
    try:
        page = queries.list_orders(ctx, filters=filters, cursor=query.get("cursor"), limit=DEFAULT_LIMIT)
    except Invalid:
        return redirect(here_with(cursor=None), 303)
    counts = queries.count_by_status(ctx)
    return render_template(
        "store/orders.html",
        page=page if found is not None else None,
        filters=filters,
        q=request.args.get("q", ""),
        tabs=_tabs(filters, counts),
        counts=counts,
        may_write=ctx.actor.may("orders.write"),
        may_export=ctx.actor.may("exports.run"),
    )


@web.get("/new")
@access("orders.write")
def new() -> str:
    """Show the form for an order that came by phone or mail."""
    return _form_page(None)[0]


@web.post("/new")
@access("orders.write")
def create() -> Page | Response:
    """Place the order; "Add rows" only shows the form with more rows."""
    if request.form.get("more"):
        return _form_page(FormState(request.form), more=words.FIRST_ROWS)
    ctx = current()
    read = words.read_order(request.form)
    ids = products.find_by_skus(ctx, skus=words.wanted_skus(read.rows))
    errors = read.errors | words.unknown_skus(read.rows, ids)
    if errors:
        return _form_page(FormState(request.form, errors), 422)
    items = [Wish(ids[normal(sku)], quantity) for sku, quantity in read.rows.values()]
    try:
        with ctx.db.begin_nested():
            order = placing.place_order(ctx, items=items, shipping_address=read.address, **read.values)
    except DomainError as error:
        told = words.row_errors(((e.pointer, e.detail) for e in error.errors), read.rows)
        state = FormState(request.form, told or {"": error.detail or error.title})
        return _form_page(state, error.status if isinstance(error, LimitExceeded) else 422)
    flash(f"Order {order.number} placed", "toast")
    return redirect(url_for(".show", order_id=order.id), 303)


@web.get("/<uuid:order_id>")
@access("orders.read")
def show(order_id: UUID) -> str:
    """Show one order: where it stands, what was bought, what may follow."""
    return _order_page(order_id)[0]


@web.post("/<uuid:order_id>/move")
@access("orders.write")
def move(order_id: UUID) -> Page | Response:
    """Take the order to its next state."""
    ctx = current()
    to = request.form.get("to", "")
    if to not in STATUSES:
        raise Invalid.field("to", f"Choose one of: {', '.join(words.MOVES)}.")
    try:
        with ctx.db.begin_nested():
            service.move_order(ctx, order_id=order_id, to=to, versions=form_version(request.form.get("version")))
    except DomainError as error:
        return _order_page(order_id, problem=error)
    flash(words.DONE[to], "toast")
    return redirect(url_for(".show", order_id=order_id), 303)


@web.post("/<uuid:order_id>/paid")
@access("orders.write")
def paid(order_id: UUID) -> Page | Response:
    """Record that the money is there."""
    ctx = current()
    try:
        with ctx.db.begin_nested():
            service.mark_paid(ctx, order_id=order_id, versions=form_version(request.form.get("version")))
    except DomainError as error:
        return _order_page(order_id, problem=error)
    flash("Order marked as paid", "toast")
    return redirect(url_for(".show", order_id=order_id), 303)


@web.post("/<uuid:order_id>/address")
@access("orders.write")
def save_address(order_id: UUID) -> Page | Response:
    """Save where the parcel goes."""
    ctx = current()
    errors: dict[str, str] = {}
    address = words.read_address(request.form, errors)
    if errors:
        return _order_page(order_id, address=FormState(request.form, errors), status=422)
    try:
        with ctx.db.begin_nested():
            service.update_order(
                ctx,
                order_id=order_id,
                changes={"shipping_address": address},
                versions=form_version(request.form.get("version")),
            )
    except DomainError as error:
        return _order_page(order_id, address=FormState(request.form), problem=error)
    flash("Address saved", "toast")
    return redirect(url_for(".show", order_id=order_id), 303)


@web.post("/<uuid:order_id>/notes")
@access("orders.write")
def add_note(order_id: UUID) -> Page | Response:
    """Leave a note for colleagues in the history of the order."""
    try:
        text = _NOTE.deserialize(request.form.get("text", ""), "text", request.form)
    except ValidationError as error:
        return _order_page(order_id, note=FormState(request.form, {"text": str(error.messages[0])}), status=422)
    service.add_note(current(), order_id=order_id, text=text)
    return redirect(url_for(".show", order_id=order_id) + "#history", 303)


@web.app_template_global("sold_lately")
def sold_lately(product_id: UUID) -> tuple[int, int]:
    """Return how many of a product were ordered in 30 days and for how much; products know nothing of orders."""
    return queries.sold_lately(current(), product_id=product_id)


def _sought(text: str) -> dict[str, Any] | None:
    """Return the filter that the find box means: a number, or a whole address; None when it can mean nothing."""
    text = text.strip().removeprefix("#")
    if not text:
        return {}
    if text.isdecimal() and len(text) < 16:
        return {"number": int(text)}
    return {"customer_email": text} if "@" in text and "\x00" not in text else None


def _tabs(filters: queries.OrderFilter, counts: dict[str, int]) -> list[Tab]:
    found = [tab("All", counts["all"], current=not filters.status, status=None)]
    return found + [
        tab(words.STATUS_WORDS[name], counts.get(name, 0), current=filters.status == name, status=name)
        for name in STATUSES
    ]


def _form_page(state: FormState | None, status: int = 200, *, more: int = 0) -> Page:
    ctx = current()
    rows = words.row_count(request.form) + more
    page = render_template(
        "store/order_form.html",
        state=state,
        rows=min(rows, MAX_LINES),
        for_sale=products.list_for_sale(ctx),
        quota=quotas.quota(ctx, placing.METRIC),
    )
    return page, status


def _order_page(
    order_id: UUID,
    *,
    problem: DomainError | None = None,
    address: FormState | None = None,
    note: FormState | None = None,
    status: int = 200,
) -> Page:
    """Render an order; `problem` says above it why the last action did not work."""
    ctx = current()
    order = queries.get_order(ctx, order_id=order_id, fresh=True)
    events = queries.list_events(ctx, order_id=order_id)
    page = render_template(
        "store/order.html",
        words=words,
        type_words=TYPE_WORDS,
        type_icons=TYPE_ICONS,
        order=order,
        steps=words.path(order, events),
        events=events,
        customer=queries.customer_record(ctx, email=order.customer_email) if order.customer_email else None,
        problem=problem,
        address=address,
        note=note,
        may_write=ctx.actor.may("orders.write"),
    )
    return page, problem.status if problem else status
