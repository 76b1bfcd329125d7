"""Order numbers: one row a tenant counts them, so that they follow each other without gaps."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert

from app.kit.ids import new_id
from app.store.orders.models import FIRST_NUMBER, OrderCounter
from tenants.context import Ctx


def take_numbers(ctx: Ctx, count: int = 1) -> int:
    """Return the first of `count` numbers in a row; others of the tenant wait until this transaction ends.

    Take them last in a transaction: the wait is as long as what follows.
    """
    first = insert(OrderCounter).values(tenant_id=ctx.tenant.id, id=new_id(), last_number=FIRST_NUMBER + count - 1)
    last = ctx.db.scalar(
        first.on_conflict_do_update(
            index_elements=[OrderCounter.tenant_id], set_={"last_number": OrderCounter.last_number + count}
        ).returning(OrderCounter.last_number)
    )
    return int(last or 0) - count + 1
