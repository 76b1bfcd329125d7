"""Several tenants of both kinds under load, and the audit: what was promised is there, once, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from psycopg import sql
from sqlalchemy import func, select

from app.kit.desk import Job, Outbox
from tenants.tenant import Tenant
from tests.chaos.load import Shopper, Way
from tests.chaos.model import Model, Record
from tests.chaos.site import STOCK, Site, eventually

TIERS = ("premium", "enterprise", "premium", "enterprise")
# How long the background may take to finish everything once all is well (seconds).
RECOVERY = 60.0


@dataclass
class House:
    """One tenant of the town."""

    tenant: Tenant
    way: Way
    model: Model


@dataclass
class Town:
    """The tenants of one scenario."""

    site: Site
    houses: list[House] = field(default_factory=list)
    record: Record = field(default_factory=Record)

    def settle(self, tiers: tuple[str, ...] = TIERS) -> Town:
        """Make the tenants."""
        for tier in tiers:
            name = uuid4().hex[:10]
            tenant, way = self.site.tenant(f"t-{name}", tier=tier)
            self.houses.append(House(tenant, way, Model(canary=f"canary-{name}")))
        return self

    @contextmanager
    def busy(self, *, clients: int = 2) -> Iterator[Record]:
        """Let `clients` of each tenant shop while the block runs."""
        canaries = [house.model.canary for house in self.houses]
        shoppers = [
            Shopper(house.way, house.model, [c for c in canaries if c != house.model.canary], self.record, seed=number)
            for house in self.houses
            for number in range(clients)
        ]
        for shopper in shoppers:
            shopper.start()
        try:
            yield self.record
        finally:
            for shopper in shoppers:
                shopper.stopping.set()
            for shopper in shoppers:
                shopper.join(30)

    def audit(self, *, recovery: float = RECOVERY) -> float:
        """Check everything that must hold when the noise is over; return how long the background took to finish."""
        try:
            took = eventually(self._idle, within=recovery, what="the end of all jobs", every=0.2)
        except AssertionError as late:
            raise AssertionError(f"{late}; still open: {self._open()}") from None
        assert self.record.defects() == []
        for house in self.houses:
            self._audit(house)
        return took

    def _idle(self) -> bool:
        ids = [house.tenant.id for house in self.houses]
        with self.site.runtime.platform() as session:
            waiting = select(func.count()).select_from(Outbox)
            if session.scalar(waiting.where(Outbox.tenant_id.in_(ids), Outbox.relayed_at.is_(None))):
                return False
            still = select(func.count()).select_from(Job)
            return not session.scalar(still.where(Job.tenant_id.in_(ids), Job.state.in_(("queued", "running"))))

    def _open(self) -> list[str]:
        """Return what has not ended, counted, for the eye."""
        ids = [house.tenant.id for house in self.houses]
        with self.site.runtime.platform() as session:
            rows = session.execute(
                select(Job.kind, Job.state, Job.attempt, func.count(), func.min(Job.run_at), func.min(Job.lease_until))
                .where(Job.tenant_id.in_(ids), Job.state.in_(("queued", "running")))
                .group_by(Job.kind, Job.state, Job.attempt)
            ).all()
        return [" ".join(map(str, row)) for row in rows]

    def _audit(self, house: House) -> None:
        model = house.model
        found = self._rows(house)
        for promise in model.acknowledged.values():
            assert found[promise.kind].get(promise.key, promise.id if promise.kind == "export" else None), (
                f"an acknowledged {promise.kind} is lost: {promise.key}"
            )
        expected = {p.key for p in model.acknowledged.values()} | model.unknown
        for kind in ("product", "order"):
            strangers = set(found[kind]) - expected - {"STOCK"}
            assert not strangers, f"rows that nobody asked for: {strangers}"
        self._audit_stock(house, orders=len(found["order"]))
        self._audit_jobs(house)

    def _rows(self, house: House) -> dict[str, dict[str, str]]:
        """Return products by SKU and orders by the key in their note; an order that is there twice is a defect."""
        with self.site.superuser() as connection:
            schema = sql.Identifier(str(house.tenant.schema))
            ours = [house.tenant.id]
            products = sql.SQL("SELECT sku, id FROM {}.product WHERE tenant_id = %s").format(schema)
            orders = sql.SQL("SELECT note, id FROM {}.sales_order WHERE tenant_id = %s").format(schema)
            rows = connection.execute(orders, ours).fetchall()
            keys = [note.split()[-1] for note, _ in rows]
            assert len(keys) == len(set(keys)), "an order was placed twice under one key"
            exports = sql.SQL("SELECT id FROM {}.export_run WHERE tenant_id = %s").format(schema)
            there = {str(row[0]) for row in connection.execute(exports, ours).fetchall()}
            mine = [p for p in house.model.acknowledged.values() if p.kind == "export"]
            return {
                "product": {row[0]: str(row[1]) for row in connection.execute(products, ours).fetchall()},
                "order": {key: str(row[1]) for key, row in zip(keys, rows, strict=True)},
                "export": {p.key: p.id for p in mine if p.id in there},
            }

    def _audit_stock(self, house: House, *, orders: int) -> None:
        with self.site.superuser() as connection:
            query = sql.SQL("SELECT inventory FROM {}.product WHERE tenant_id = %s AND id = %s")
            schema = sql.Identifier(str(house.tenant.schema))
            row = connection.execute(query.format(schema), [house.tenant.id, house.way.product_id]).fetchone()
        assert row is not None
        assert row[0] == STOCK - orders, "the stock and the orders do not agree"

    def _audit_jobs(self, house: House) -> None:
        with self.site.runtime.platform() as session:
            jobs = select(Job.kind, Job.state, Job.error).where(Job.tenant_id == house.tenant.id)
            bad: list[Any] = [row for row in session.execute(jobs) if row.state != "succeeded"]
        assert not bad, f"jobs that did not succeed: {bad[:5]}"
