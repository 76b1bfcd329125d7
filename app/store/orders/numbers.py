"""Order numbers: one row a tenant counts them, so that they follow each other without gaps."""

from __future__ import annotations

from typing import cast

from sqlalchemy import BigInteger, Table, bindparam
from sqlalchemy.dialects.postgresql import insert

from app.kit.ids import new_id
from app.store.orders.models import FIRST_NUMBER, OrderCounter
from tenants.context import Ctx

_TABLE = cast(Table, OrderCounter.__table__)
_FIRST = insert(_TABLE)
# Written once: every order sends it.
_TAKE = _FIRST.on_conflict_do_update(
    index_elements=[_TABLE.c.tenant_id],
    set_={"last_number": _TABLE.c.last_number + bindparam("count", type_=BigInteger)},
).returning(_TABLE.c.last_number)


def take_numbers(ctx: Ctx, count: int = 1) -> int:
    """Return the first of `count` numbers in a row; others of the tenant wait until this transaction ends.

    Take them last in a transaction: the wait is as long as what follows.
    """
    row = {"tenant_id": ctx.tenant.id, "id": new_id(), "last_number": FIRST_NUMBER + count - 1, "count": count}
    last: int = ctx.db.connection().execute(_TAKE, row).scalar_one()
    return last - count + 1
