"""What the buyer hears: one mail for each thing that matters to a buyer, and nobody else's order."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import requests

from app.store.orders import placing, queries, service
from app.store.products.stock.offer import Wish
from tests.store.support import make


def mails(house: Any, to: str) -> list[dict[str, Any]]:
    """Return what the mailbox has for an address, oldest first."""
    url = house.world.runtime.settings.mailbox_url
    found: list[dict[str, Any]] = requests.get(f"{url}/api/messages", params={"to": to}, timeout=10).json()
    return sorted(found, key=lambda mail: mail["received_at"])


def test_the_buyer_hears_of_placing_shipping_and_cancelling_once_each(acme: Any, globex: Any) -> None:
    buyer = f"buyer-{uuid4().hex}@b.example"
    address = {"street": "Oudegracht 118", "city": "Utrecht"}
    with acme.ctx() as ctx:
        product = make(ctx, name="A <b> of glass")
        orders = [
            placing.place_order(ctx, customer_email=buyer, items=[Wish(product.id, 2)], shipping_address=address)
            for _ in range(2)
        ]
        service.move_order(ctx, order_id=orders[0].id, to="confirmed")
        service.move_order(ctx, order_id=orders[0].id, to="shipped")
        service.move_order(ctx, order_id=orders[1].id, to="cancelled")
    acme.world.drain()
    acme.world.drain()
    subjects = sorted(mail["subject"] for mail in mails(acme, buyer))
    first, second = orders[0].number, orders[1].number
    assert subjects == [
        f"Your order {first} at Acme",
        f"Your order {first} is on its way",
        f"Your order {second} at Acme",
        f"Your order {second} is cancelled",
    ]
    text = next(mail["text"] for mail in mails(acme, buyer) if "on its way" in mail["subject"])
    assert "2 × A <b> of glass: 64.00 EUR" in text
    assert "Utrecht" in text


def test_nothing_is_mailed_for_someone_whose_address_is_not_confirmed(acme: Any) -> None:
    buyer = f"buyer-{uuid4().hex}@b.example"
    with acme.ctx() as ctx:
        product = make(ctx)
    body = {"customer_email": buyer, "items": [{"product_id": str(product.id), "quantity": 1}]}
    placed = acme.api().post("/orders", json=body, headers={"Idempotency-Key": str(uuid4())})
    assert placed.status_code == 201, placed.text
    acme.world.drain()
    with acme.ctx() as ctx:
        told = [event.note for event in queries.list_events(ctx, order_id=UUID(placed.json["id"]))]
    assert any(note.startswith("No mail to the buyer") for note in told)
    assert mails(acme, buyer) == []
