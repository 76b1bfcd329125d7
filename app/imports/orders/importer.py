"""Brings past orders in: finds those that are there, makes the products that are missing, records the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.imports.importer import Change, Outcome
from app.imports.mapping import Field
from app.imports.options import Options
from app.imports.orders.grouping import contradiction, line_kind, order_of
from app.imports.orders.rows import FIELDS, MAX_LINES, read_row
from app.imports.problems import Problem, note
from app.imports.room import Room
from app.imports.spool import Group, Record, Spool
from app.store.orders import transfer as orders
from app.store.orders.transfer import LineRow, OrderRow
from app.store.products import transfer as products
from app.store.products.transfer import ProductRow
from app.store.text import normal
from tenants.context import Ctx


class OrderImporter:
    """One attempt at one file of orders."""

    fields: Sequence[Field] = FIELDS
    thing = "order"
    longest_group = MAX_LINES

    def __init__(self, options: Options, *, source: str, write: bool) -> None:
        self._options = options
        self._source = source
        self._write = write
        # What a trial would have made in earlier batches.
        self._pretended_products: dict[str, ProductRow | None] = {}
        self._pretended_orders = 0

    def read(self, cells: Mapping[str, str], now: datetime, faults: Mapping[str, Problem]) -> Record:
        """Return a row as a line of its order.

        Raises RowRefused.
        """
        return read_row(cells, self._options, now, faults)

    def take(self, ctx: Ctx, batch: Sequence[Group], spool: Spool) -> Outcome:
        """Bring a batch of orders in."""
        return _Batch(ctx, self, spool).run(batch)

    @property
    def options(self) -> Options:
        """What was chosen for this import."""
        return self._options

    @property
    def source(self) -> str:
        """The name of the file."""
        return self._source

    @property
    def writes(self) -> bool:
        """Say whether this is no trial."""
        return self._write

    def remember(self, made: Mapping[str, ProductRow | None], order_count: int) -> None:
        """Keep what a trial would have made."""
        if not self._write:
            self._pretended_products.update(made)
            self._pretended_orders += order_count

    @property
    def pretended(self) -> tuple[Mapping[str, ProductRow | None], int]:
        """What a trial would have made so far: products by SKU, and how many orders."""
        return self._pretended_products, self._pretended_orders


class _Batch:
    """The work on one batch, in one transaction."""

    def __init__(self, ctx: Ctx, importer: OrderImporter, spool: Spool) -> None:
        self._ctx = ctx
        self._importer = importer
        self._spool = spool
        self._outcome = Outcome()
        self._known: dict[str, ProductRow | None] = {}
        # SKU → the name and currency of products to make.
        self._missing: dict[str, dict[str, Any]] = {}
        # SKU → the first row that needs the product.
        self._needed_by: dict[str, int] = {}

    def run(self, batch: Sequence[Group]) -> Outcome:
        """Sort the groups, make what is missing, record the new orders."""
        there = orders.find_many(self._ctx, [group.key for group in batch])
        self._known = self._find_products(batch)
        accepted = self._admit([group for group in batch if self._is_new(group, there)])
        made = self._make_products()
        self._known.update(made)
        rows = [self._order(group) for group in accepted]
        ids: Mapping[str, UUID] = {}
        if self._importer.writes:
            ids = orders.create_many(self._ctx, rows, source=self._importer.source)
        self._note_orders(accepted, rows, ids)
        self._importer.remember(made, len(rows))
        self._outcome.imported += sum(len(group.rows) for group in accepted)
        self._outcome.counts.update(orders_created=len(rows), products_created=len(made))
        for row in rows:
            self._outcome.counts[f"total:{row.currency}"] += row.total_minor
        return self._outcome

    def _find_products(self, batch: Sequence[Group]) -> dict[str, ProductRow | None]:
        skus = {normal(values["sku"]) for group in batch for _, values in group.rows if values["sku"]}
        found = products.find_many(self._ctx, skus)
        known: dict[str, ProductRow | None] = {sku: rows[0] for sku, rows in found.items()}
        pretended, _ = self._importer.pretended
        return {sku: made for sku, made in pretended.items() if sku in skus} | known

    def _is_new(self, group: Group, there: Mapping[str, tuple[str, tuple[LineRow, ...]]]) -> bool:
        problem = contradiction(group)
        if problem is None and group.key in there:
            problem = self._compare(group, *there[group.key])
            if problem is None:
                return False
        if problem is not None:
            self._outcome.lose(group, problem)
        return problem is None

    def _compare(self, group: Group, currency: str, lines: tuple[LineRow, ...]) -> Problem | None:
        given = [values for _, values in group.rows]
        same = len(given) == len(lines) and all(map(_says_the_same, given, lines))
        if not same or currency != given[0]["currency"]:
            return Problem(
                "order_exists", f"Not imported: order {group.key} is here already with other lines, and stays as it is."
            )
        self._outcome.unchanged += len(group.rows)
        self._outcome.counts["orders_unchanged"] += 1
        return None

    def _admit(self, groups: Sequence[Group]) -> list[Group]:
        """Return the orders that the plan has room for, with the products they need."""
        pretended_products, pretended_orders = self._importer.pretended
        room_orders = Room(self._ctx, "orders", pretended=pretended_orders)
        room_products = Room(self._ctx, "products", pretended=len(pretended_products))
        accepted = []
        for group in groups:
            needed = self._needed(group)
            if needed and not self._importer.options.create_products:
                named = ", ".join(sorted(values["sku"] for values in needed.values())[:3])
                self._outcome.lose(group, Problem("product_unknown", f"Not imported: no product has the SKU {named}."))
            elif not room_orders.fits(1):
                self._outcome.lose(group, room_orders.refusal())
            elif not room_products.fits(len(needed)):
                self._outcome.lose(group, room_products.refusal())
            else:
                room_orders.take(1)
                room_products.take(len(needed))
                self._missing.update(needed)
                accepted.append(group)
        return accepted

    def _needed(self, group: Group) -> dict[str, dict[str, Any]]:
        """Return the products of `group` that neither exist nor are about to be made."""
        needed: dict[str, dict[str, Any]] = {}
        for row, values in group.rows:
            kind = line_kind(values, self._known)
            sku = normal(values["sku"])
            if kind == "product" and sku not in self._known and sku not in self._missing:
                needed.setdefault(sku, values)
                self._needed_by.setdefault(sku, row)
            elif kind != "product" and not values["kind"]:
                self._outcome.say([row], note("line_kind", f"{values['sku']} is no product; booked as {kind}.", "sku"))
                self._outcome.counts["lines_without_product"] += 1
        return needed

    def _make_products(self) -> Mapping[str, ProductRow | None]:
        usual = self._spool.usual(self._missing)
        rows = {sku: _product(values, *usual[sku]) for sku, values in self._missing.items()}
        made: Mapping[str, ProductRow | None] = dict.fromkeys(rows)
        if self._importer.writes:
            made = products.create_many(self._ctx, list(rows.values()))
        for sku, product in made.items():
            after = {name: rows[sku][name] for name in products.WRITTEN}
            target = product.id if product else None
            self._outcome.changes.append(
                Change(self._needed_by[sku], "product", "created", rows[sku]["sku"], target, {}, after)
            )
        return made

    def _note_orders(self, accepted: Sequence[Group], rows: Sequence[OrderRow], ids: Mapping[str, UUID]) -> None:
        for group, row in zip(accepted, rows, strict=True):
            after = {"total_minor": row.total_minor, "currency": row.currency, "status": row.status,
                     "lines": len(row.lines), "placed_at": row.placed_at.isoformat()}  # fmt: skip
            self._outcome.changes.append(
                Change(group.rows[0][0], "order", "created", row.reference, ids.get(row.reference), {}, after)
            )

    def _order(self, group: Group) -> OrderRow:
        lines = tuple(self._line(values) for _, values in group.rows)
        return order_of(group, lines, self._importer.options, self._outcome)

    def _line(self, values: Mapping[str, Any]) -> LineRow:
        kind = line_kind(dict(values), self._known)
        product = self._known.get(normal(values["sku"])) if kind == "product" else None
        return LineRow(
            kind=kind,
            sku=values["sku"],
            name=values["name"] or (product.name if product else values["sku"]),
            quantity=values["quantity"],
            price_minor=values["price"],
            product_id=product.id if product else None,
            product_type=product.type if product else None,
        )


def _product(values: Mapping[str, Any], name: str, price: int) -> dict[str, Any]:
    """Return a product that an order needs, with the name and price that its code usually has."""
    return {
        "sku": values["sku"],
        "name": name or values["name"] or values["sku"],
        "type": "physical",
        "status": "active",
        "price_minor": price,
        "currency": values["currency"],
        "inventory": None,
        "category": "",
        "description": "",
    }


def _says_the_same(values: Mapping[str, Any], line: LineRow) -> bool:
    """Say whether a row of the file tells what a line has. What the row leaves open was filled in when it came."""
    return (
        (values["sku"], values["quantity"], values["price"]) == (line.sku, line.quantity, line.price_minor)
        and values["name"] in ("", line.name)
        and values["kind"] in ("", line.kind)
    )
