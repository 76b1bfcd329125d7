"""What the tests of the store share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event, select

from app.kit.desk import Outbox
from app.store.products import service
from app.store.products.models import Product


def make(ctx: Any, **changes: Any) -> Product:
    """Add a product with usual values."""
    values = {"name": "Harbour Lights", "sku": "NB-1", "price_minor": 3200, "currency": "EUR"} | changes
    return service.create_product(ctx, **values)


def facts(house: Any) -> list[str]:
    """Return the types of the store's events that committed transactions of the tenant wrote, in order."""
    query = select(Outbox.type).where(Outbox.tenant_id == house.tenant.id, Outbox.type.startswith("store."))
    with house.world.worker_runtime.platform() as session:
        return list(session.scalars(query.order_by(Outbox.seq)))


def at_once(count: int, work: Callable[[int], str]) -> list[str]:
    """Run `work` in `count` threads that start together; return what each said."""
    said: list[str] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait()
        said.append(work(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return said


@contextmanager
def counting() -> Iterator[list[str]]:
    """Collect the statements that reach the database meanwhile, from any engine of this process."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)
