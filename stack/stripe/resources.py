"""What the API knows: every resource brings its routes, and what happens to it when time passes."""

from collections.abc import Callable

from stack.stripe import buying, customers, disputes, endpoints, events, intents, products, refunds, sessions
from stack.stripe.call import Call
from stack.stripe.listing import Handler

ROUTES: list[tuple[str, str, Handler]] = [
    *customers.ROUTES,
    *products.ROUTES,
    *sessions.ROUTES,
    *intents.ROUTES,
    *refunds.ROUTES,
    *disputes.ROUTES,
    *events.ROUTES,
    *endpoints.ROUTES,
]
APPOINTMENTS: dict[str, Callable[[Call, str], None]] = {**buying.APPOINTMENTS, **refunds.APPOINTMENTS}
