"""Quotas: how much of a counted thing a tenant may have. Counters change in the transaction that changes the thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import BigInteger, Table, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from app.kit.desk import Usage
from tenants.context import Ctx
from tenants.errors import LimitExceeded
from tenants.tiers import UNLIMITED, tiers

# Written once: every thing that is counted sends one of them.
_TABLE = cast(Table, Usage.__table__)
_KEY, _SUM = [_TABLE.c.tenant_id, _TABLE.c.metric], _TABLE.c.used + bindparam("more", type_=BigInteger)
_COUNT = insert(_TABLE).on_conflict_do_update(index_elements=_KEY, set_={"used": _SUM}).returning(_TABLE.c.used)
_COUNT_WITHIN = (
    insert(_TABLE)
    .on_conflict_do_update(index_elements=_KEY, set_={"used": _SUM}, where=bindparam("limit", type_=BigInteger) >= _SUM)
    .returning(_TABLE.c.used)
)


@dataclass(frozen=True, slots=True)
class Quota:
    """What a tenant uses of one metric, and its limit (-1: none)."""

    metric: str
    used: int
    limit: int

    @property
    def left(self) -> int | None:
        """How many more fit, or None without a limit."""
        return None if self.limit == UNLIMITED else max(0, self.limit - self.used)


def reserve(ctx: Ctx, metric: str, count: int = 1) -> None:
    """Count `count` more of `metric`, atomically against every other transaction of the tenant.

    Raises LimitExceeded when they do not fit; nothing is counted then.
    """
    if count <= 0:
        return
    limit = ctx.tenant.limit(metric)
    wanted = {"tenant_id": ctx.tenant.id, "metric": metric, "used": count, "more": count}
    if limit == UNLIMITED:
        ctx.db.connection().execute(_COUNT, wanted)
        return
    if count > limit or ctx.db.connection().execute(_COUNT_WITHIN, {**wanted, "limit": limit}).first() is None:
        raise exceeded(ctx, metric, used=_used(ctx, metric), wanted=count)


def release(ctx: Ctx, metric: str, count: int = 1) -> None:
    """Give `count` of `metric` back."""
    if count > 0:
        ctx.db.execute(
            update(Usage)
            .where(Usage.tenant_id == ctx.tenant.id, Usage.metric == metric)
            .values(used=Usage.used - count)
        )


def quota(ctx: Ctx, metric: str) -> Quota:
    """Return the use and limit of `metric`."""
    return Quota(metric, _used(ctx, metric), ctx.tenant.limit(metric))


def quotas(ctx: Ctx) -> list[Quota]:
    """Return the use and limit of every metric that the tier limits, in the tier's order."""
    rows = ctx.db.execute(select(Usage.metric, Usage.used).where(Usage.tenant_id == ctx.tenant.id)).all()
    used = {row.metric: row.used for row in rows}
    return [Quota(metric, used.get(metric, 0), limit) for metric, limit in ctx.tenant.limits.items()]


def recount(ctx: Ctx) -> dict[str, tuple[int, int]]:
    """Return `{metric: (counter, recount)}` for every metric whose counter differs from the rows it counts."""
    differing = {}
    for metric, count in ctx.runtime.quotas.items():
        counter, actual = _used(ctx, metric), count(ctx)
        if counter != actual:
            differing[metric] = (counter, actual)
    return differing


def exceeded(ctx: Ctx, metric: str, *, used: int, wanted: int = 1) -> LimitExceeded:
    """Build the answer to a full quota: which limit, how much is used, who can raise it, and where."""
    limit = ctx.tenant.limit(metric)
    own = ctx.tenant.tier.rank
    raising = [t for t in tiers().values() if t.rank > own and _above(t.limits.get(metric, UNLIMITED), limit)]
    room = f"{limit - used:,} more fit" if used < limit else "no more fit"
    company = ctx.tenant.company_name
    way = (
        f"{raising[0].label} has room for more; an owner or administrator of {company} can change the plan."
        if raising
        else "Your plan is the largest; ask the operator of this installation to raise the limit."
    )
    error = LimitExceeded(
        f"{ctx.tenant.tier.label} includes {limit:,} {metric}; {used:,} are used and {room}. {way} Nothing was lost.",
        limit={"metric": metric, "limit": limit, "used": used, "wanted": wanted, "resets_at": None},
        who_can_raise=["owner", "admin"] if raising else ["operator"],
        upgrade_url=ctx.runtime.settings.tenant_url(ctx.tenant.slug, "/settings/plan"),
    )
    if not raising:
        error.status = 403
    return error


def _above(candidate: int, limit: int) -> bool:
    return candidate == UNLIMITED or candidate > limit


def _used(ctx: Ctx, metric: str) -> int:
    found = ctx.db.scalar(select(Usage.used).where(Usage.tenant_id == ctx.tenant.id, Usage.metric == metric))
    return found or 0
