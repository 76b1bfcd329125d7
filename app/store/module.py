"""Store: products and orders."""

from __future__ import annotations

from app.kit.module import Module, NavItem
from app.store.orders import api as orders_api
from app.store.orders import handlers
from app.store.orders import queries as orders
from app.store.orders import views as orders_views
from app.store.orders.events import OrderCancelled, OrderPlaced, OrderShipped
from app.store.products import api as products_api
from app.store.products import queries as products
from app.store.products import views as products_views
from app.store.products.stock import api as stock_api
from app.store.products.stock import views as stock_views

module = Module(
    name="store",
    api=[products_api.blp, stock_api.blp, orders_api.blp],
    web=[products_views.web, stock_views.web, orders_views.web],
    on={
        OrderPlaced: [handlers.MAIL_PLACED],
        OrderShipped: [handlers.MAIL_SHIPPED],
        OrderCancelled: [handlers.MAIL_CANCELLED],
    },
    # Orders hold what customers told us in confidence; products are what everybody may see anyway.
    permissions={
        "products.read": "viewer",
        "products.write": "admin",
        "orders.read": "approver",
        "orders.write": "admin",
    },
    quotas={"products": products.count_unarchived, "orders": orders.count_orders},
    nav=[
        NavItem("Products", "products_web.index", "tag", group="Sell", permission="products.read", order=10),
        NavItem("Orders", "orders_web.index", "receipt", group="Sell", permission="orders.read", order=20),
    ],
)
