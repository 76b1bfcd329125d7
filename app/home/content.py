"""What the home page shows: what waits, the latest orders, the numbers of the month, and how to begin."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from flask import url_for

from app.store.queries import HomeNumbers, Revenue, home_numbers
from app.web.format import money
from app.workspace import service
from tenants.context import Ctx


def content(ctx: Ctx) -> dict[str, Any]:
    """Return the variables of `web/home.html`."""
    sees_orders = ctx.actor.may("orders.read")
    found = home_numbers(ctx) if sees_orders else None
    local = ctx.now.astimezone(ZoneInfo(service.settings(ctx).time_zone))
    first = (ctx.actor.name or "").split(" ")[0]
    waiting = _waiting(found) if found else []
    return {
        "greeting": f"{_greeting(local.hour)}{', ' + first if first else ''}",
        "fact": f"{format_date(local, 'EEEE d MMMM', locale='en_GB')}. {_fact(waiting)}",
        "new": ("New product", url_for("products_web.new")) if ctx.actor.may("products.write") else None,
        "waiting": waiting,
        "orders": _latest(found) if found else [],
        "numbers": _numbers(found) if found else [],
        "activity": [],
        "start": _start(found) if found and ctx.actor.may("products.write") else [],
    }


def _greeting(hour: int) -> str:
    if hour < 5:
        return "Good night"
    if hour < 12:
        return "Good morning"
    return "Good afternoon" if hour < 18 else "Good evening"


def _fact(waiting: list[dict[str, Any]]) -> str:
    if not waiting:
        return "Nothing waits for you."
    return "One thing waits for you." if len(waiting) == 1 else f"{len(waiting)} things wait for you."


def _waiting(found: HomeNumbers) -> list[dict[str, Any]]:
    items = []
    if found.to_ship:
        items.append(
            {
                "title": "Ship an order" if found.to_ship == 1 else f"Ship {found.to_ship:,} orders",
                "text": "Confirmed, with something to send",
                "icon": "truck",
                "href": url_for("orders_web.index", status="confirmed"),
                "action": ("See orders", url_for("orders_web.index", status="confirmed")),
            }
        )
    if found.low_stock:
        items.append(
            {
                "title": "One product runs low" if found.low_stock == 1 else f"{found.low_stock:,} products run low",
                "text": "A few pieces are left, or none",
                "icon": "tag",
                "href": url_for("products_web.index", view="low"),
                "action": ("Restock", url_for("products_web.index", view="low")),
            }
        )
    return items


def _latest(found: HomeNumbers) -> list[dict[str, Any]]:
    return [
        {
            "number": row.number,
            "href": url_for("orders_web.show", order_id=row.id),
            "customer": row.customer_name or row.customer_email or row.customer_reference or "",
            "state": row.status,
            "total_minor": row.total_minor,
            "currency": row.currency,
            "at": row.placed_at,
        }
        for row in found.latest
    ]


def _numbers(found: HomeNumbers) -> list[dict[str, Any]]:
    shown = [_revenue(revenue) for revenue in found.revenue[:3]]
    if not shown:
        shown = [{"label": "Sold this month", "value": "Nothing yet", "series": [], "said": ""}]
    confirmed = url_for("orders_web.index", status="confirmed")
    shown.append({"label": "Orders to ship", "value": f"{found.to_ship:,}", "href": confirmed})
    shown.append({"label": "Products", "value": f"{found.products:,}", "href": url_for("products_web.index")})
    shown.append({"label": "Orders in all", "value": f"{found.orders:,}", "href": url_for("orders_web.index")})
    return shown


def _revenue(revenue: Revenue) -> dict[str, Any]:
    return {
        "label": f"Sold this month, {revenue.currency}",
        "value": money(revenue.month_minor, revenue.currency),
        "series": list(revenue.series),
        "said": f"The last {len(revenue.series)} days, {revenue.orders:,} orders this month",
    }


def _start(found: HomeNumbers) -> list[dict[str, Any]]:
    """Offer the first steps until the workspace has products and orders."""
    if found.products and found.orders:
        return []
    return [
        {
            "title": "Add your first product",
            "text": "A name, a code and a price are enough.",
            "icon": "tag",
            "done": found.products > 0,
            "action": ("Add product", url_for("products_web.new")),
        },
        {
            "title": "Bring what you have",
            "text": "A file of products or past orders, as CSV.",
            "icon": "file-import",
            "done": found.orders > 0,
            "action": ("Import a file", url_for("imports.new")),
        },
        {
            "title": "Invite a colleague",
            "text": "They get a link by mail.",
            "icon": "users",
            "done": False,
            "action": ("Invite people", url_for("accounts.people")),
        },
    ]
