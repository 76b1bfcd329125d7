"""Programs for the non-interference test: random steps of two tenants and of the workers, and troubles, from one seed.

Each step draws from a seed of its own, so that a step does the same whether or not others are left out. Names, SKUs,
mail addresses and idempotency keys come from small spaces that both tenants share: where anything is kept under such a
name without the tenant, they meet.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.isolation.neighbours import Neighbour
from tests.isolation.troubles import TROUBLES

Answer = Any
OTHER, OBSERVED, WORKERS, MACHINE = "other", "observed", "workers", "machine"
# Of a hundred steps so many are the workers', and so many are trouble.
_WORK, _TROUBLE = 2.5, 3.0
_STATES = ("confirmed", "processing", "shipped", "completed", "cancelled")
_ROLES = ("viewer", "contributor", "approver", "admin")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: whose it is, what it does, and the seed of its choices."""

    whose: str
    kind: str
    seed: str


@dataclass
class Side:
    """One tenant in one run: how it calls the API, and what it has made so far."""

    home: Neighbour
    client: Any
    products: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    guests: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)
    cursors: list[str] = field(default_factory=lambda: ["AAAA"])

    def call(self, method: str, path: str, *, role: str = "owner", key: str = "", **options: Any) -> Answer:
        """Send a request of one of the tenant's people to the tenant's own host."""
        headers = {"Authorization": f"Bearer {self.home.people[role].token}", **options.pop("headers", {})}
        if key:
            headers["Idempotency-Key"] = key
        return self.client.open(
            f"/api/v1{path}", method=method, base_url=f"http://{self.home.host}", headers=headers, **options
        )

    def product(self, rng: random.Random) -> str:
        """Return the id of one of the tenant's products."""
        return rng.choice([self.home.live["product_id"], *self.products])

    def order(self, rng: random.Random) -> str:
        """Return the id of one of the tenant's orders."""
        return rng.choice([self.home.live["order_id"], *self.orders])

    def remember(self, answer: Answer, where: list[str], name: str = "id") -> Answer:
        """Keep the id of what was made."""
        if answer.status_code in (200, 201, 202) and answer.json.get(name):
            where.append(answer.json[name])
        return answer


def _key(rng: random.Random) -> str:
    return f"key-{rng.randrange(12)}"


def _list_products(side: Side, rng: random.Random) -> Answer:
    answer = side.call("GET", f"/products?limit={rng.randint(1, 5)}")
    if answer.json.get("next_cursor"):
        side.cursors.append(answer.json["next_cursor"])
    return answer


def _search(side: Side, rng: random.Random) -> Answer:
    return side.call("GET", f"/products?q=thing%20{rng.randrange(8)}")


def _get_product(side: Side, rng: random.Random) -> Answer:
    return side.call("GET", f"/products/{side.product(rng)}")


def _create_product(side: Side, rng: random.Random) -> Answer:
    number = rng.randrange(10)
    body = {"name": f"Thing {number}", "sku": f"T-{number}", "price": "4.50", "currency": "EUR", "inventory": 9}
    return side.remember(side.call("POST", "/products", key=_key(rng), json=body), side.products)


def _change_product(side: Side, rng: random.Random) -> Answer:
    version = rng.choice(['"1"', '"2"', "*"])
    body = {"inventory": rng.randrange(20), "name": f"Thing {rng.randrange(10)}"}
    return side.call("PATCH", f"/products/{side.product(rng)}", json=body, headers={"If-Match": version})


def _remove_product(side: Side, rng: random.Random) -> Answer:
    return side.call("DELETE", f"/products/{rng.choice([side.home.gone['product_id'], *side.products])}")


def _restore_product(side: Side, rng: random.Random) -> Answer:
    return side.call("POST", f"/products/{side.product(rng)}/restoration")


def _place_order(side: Side, rng: random.Random) -> Answer:
    items = [{"product_id": side.product(rng), "quantity": rng.randint(1, 4)}]
    body = {"customer_email": f"buyer-{rng.randrange(4)}@mail.example", "items": items}
    return side.remember(side.call("POST", "/orders", key=_key(rng), json=body), side.orders)


def _move_order(side: Side, rng: random.Random) -> Answer:
    return side.call("POST", f"/orders/{side.order(rng)}/transitions", json={"to": rng.choice(_STATES)})


def _get_order(side: Side, rng: random.Random) -> Answer:
    return side.call("GET", f"/orders/{side.order(rng)}")


def _list_orders(side: Side, rng: random.Random) -> Answer:
    return side.call("GET", f"/orders?limit={rng.randint(1, 5)}")


def _invite(side: Side, rng: random.Random) -> Answer:
    body = {"email": f"guest-{rng.randrange(6)}@mail.example", "role": rng.choice(_ROLES[:2])}
    return side.remember(side.call("POST", "/invitations", key=_key(rng), json=body), side.guests)


def _revoke(side: Side, rng: random.Random) -> Answer:
    guest = rng.choice([side.home.gone["invitation_id"], *side.guests])
    return side.call("DELETE", f"/invitations/{guest}")


def _list_people(side: Side, rng: random.Random) -> Answer:
    return side.call("GET", rng.choice(["/users?limit=20", "/invitations?limit=20", "/users/me"]))


def _edit_role(side: Side, rng: random.Random) -> Answer:
    return side.call("PATCH", f"/users/{side.home.people['viewer'].id}", json={"role": rng.choice(_ROLES)})


def _viewer_acts(side: Side, rng: random.Random) -> Answer:
    if rng.random() < 0.5:
        return side.call("GET", f"/products/{side.product(rng)}", role="viewer")
    return side.call("DELETE", f"/products/{side.product(rng)}", role="viewer")


def _usage(side: Side, rng: random.Random) -> Answer:
    return side.call("GET", f"/tenants/{side.home.tenant.id}/usage")


def _export(side: Side, rng: random.Random) -> Answer:
    body = {"resource": rng.choice(["products", "orders", "order_lines"]), "format": "csv"}
    answer = side.remember(side.call("POST", "/exports", json=body), side.exports)
    return side.remember(answer, side.jobs, "job_id")


def _look_at_work(side: Side, rng: random.Random) -> Answer:
    places = ["/jobs?limit=10", "/exports?limit=5", "/imports?limit=5", *(f"/exports/{one}" for one in side.exports)]
    return side.call("GET", rng.choice(places))


def _import(side: Side, rng: random.Random) -> Answer:
    rows = "".join(f"Thing {n},T-{n},{rng.choice(['5.00', 'nothing'])},EUR\n" for n in rng.sample(range(12), 2))
    data = {
        "resource": "products", "file": (io.BytesIO(f"name,sku,price,currency\n{rows}".encode()), "things.csv"),
    }  # fmt: skip
    answer = side.call("POST", "/imports", key=_key(rng), data=data, content_type="multipart/form-data")
    return side.remember(answer, side.jobs, "job_id")


def _cancel_work(side: Side, rng: random.Random) -> Answer:
    return side.call("DELETE", f"/jobs/{rng.choice([side.home.live['job_id'], *side.jobs])}")


Action = Callable[[Side, random.Random], Answer]
# What both tenants do, with how often.
ACTIONS: dict[str, tuple[int, Action]] = {
    "list products": (8, _list_products), "search": (4, _search), "get product": (6, _get_product),
    "create product": (10, _create_product), "change product": (8, _change_product),
    "remove product": (4, _remove_product), "restore product": (2, _restore_product),
    "place order": (8, _place_order), "move order": (5, _move_order), "get order": (5, _get_order),
    "list orders": (5, _list_orders), "invite": (2, _invite), "revoke": (2, _revoke), "list people": (4, _list_people),
    "edit role": (3, _edit_role), "viewer acts": (4, _viewer_acts), "usage": (3, _usage),
    "export": (1, _export), "look at work": (4, _look_at_work), "import": (1, _import),
    "cancel work": (2, _cancel_work),
}  # fmt: skip


def _foreign_product(side: Side, theirs: Side, rng: random.Random) -> Answer:
    path = f"/products/{theirs.product(rng)}"
    if rng.random() < 0.4:
        return side.call("PATCH", path, json={"inventory": 0}, headers={"If-Match": "*"})
    return side.call(rng.choice(["GET", "DELETE"]), path)


def _foreign_order(side: Side, theirs: Side, rng: random.Random) -> Answer:
    return side.call("POST", f"/orders/{theirs.order(rng)}/transitions", json={"to": "cancelled"})


def _order_of_foreign(side: Side, theirs: Side, rng: random.Random) -> Answer:
    body = {"customer_email": "buyer@mail.example", "items": [{"product_id": theirs.product(rng), "quantity": 1}]}
    return side.call("POST", "/orders", key=_key(rng), json=body)


def _foreign_work(side: Side, theirs: Side, rng: random.Random) -> Answer:
    return side.call("DELETE", f"/jobs/{rng.choice([theirs.home.live['job_id'], *theirs.jobs])}")


def _foreign_guest(side: Side, theirs: Side, rng: random.Random) -> Answer:
    return side.call("DELETE", f"/invitations/{rng.choice([theirs.home.gone['invitation_id'], *theirs.guests])}")


def _foreign_cursor(side: Side, theirs: Side, rng: random.Random) -> Answer:
    return side.call("GET", f"/products?limit=2&cursor={rng.choice(theirs.cursors)}")


def _foreign_host(side: Side, theirs: Side, rng: random.Random) -> Answer:
    """Go to the other's host with one's own key, to read or to leave something there."""
    keys = {"Authorization": f"Bearer {side.home.people['owner'].token}"}
    stranger = Side(theirs.home, side.client)
    if rng.random() < 0.5:
        return stranger.call("GET", "/products", headers=keys)
    body = {"name": "Not yours", "sku": f"N-{rng.randrange(9)}", "price": "1.00", "currency": "EUR"}
    return stranger.call("POST", "/products", headers=keys, json=body)


HOSTILE: dict[str, Callable[[Side, Side, random.Random], Answer]] = {
    "foreign product": _foreign_product, "foreign order": _foreign_order, "order of foreign": _order_of_foreign,
    "foreign work": _foreign_work, "foreign guest": _foreign_guest, "foreign cursor": _foreign_cursor,
    "foreign host": _foreign_host,
}  # fmt: skip


def make_program(seed: str, length: int) -> Sequence[Step]:
    """Return the program of `seed`; one in three ends with the workers' finishing what is left, which takes longest."""
    rng = random.Random(seed)
    kinds, weights = list(ACTIONS), [weight for weight, _ in ACTIONS.values()]
    steps = []
    for number in range(length):
        (whose,) = rng.choices((WORKERS, MACHINE, OBSERVED, OTHER), (_WORK, _TROUBLE, 47, 47.5))
        kind = rng.choices(kinds, weights)[0]
        if whose == OTHER and rng.random() < 0.25:
            kind = rng.choice(list(HOSTILE))
        if whose == MACHINE:
            kind = rng.choice(list(TROUBLES))
        steps.append(Step(whose, "drain" if whose == WORKERS else kind, f"{seed}/{number}"))
    if rng.random() < 1 / 3:
        steps[-1] = Step(WORKERS, "drain", f"{seed}/last")
    return steps
