"""Brings products in: makes those that are new, changes those that differ, by SKU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.imports.importer import Change, Outcome
from app.imports.mapping import Field
from app.imports.options import Options
from app.imports.problems import Problem, note
from app.imports.products.rows import FIELDS, read_row
from app.imports.room import Room
from app.imports.spool import Group, Record, Spool
from app.store.products import transfer as products
from app.store.products.transfer import ProductRow
from tenants.context import Ctx

_DEFAULTS = {"inventory": None, "category": "", "description": "", "type": "physical", "status": "active"}
_ARCHIVED = "\0archived"
_ON_SALE = Problem("on_sale", "Not imported: this product is not archived here. Archive it on its own page.", "status")


class ProductImporter:
    """One attempt at one file of products."""

    fields: Sequence[Field] = FIELDS
    thing = "product"
    longest_group = 100_000

    def __init__(self, options: Options, *, write: bool) -> None:
        self._options = options
        self._write = write
        self._pretended = 0

    def read(self, cells: Mapping[str, str], now: datetime, faults: Mapping[str, Problem]) -> Record:
        """Return a row as a record of its product.

        Raises RowRefused.
        """
        return read_row(cells, self._options, faults)

    def take(self, ctx: Ctx, batch: Sequence[Group], spool: Spool) -> Outcome:
        """Bring a batch of products in."""
        room = Room(ctx, "products", pretended=self._pretended)
        there = products.find_many(ctx, {group.key.removesuffix(_ARCHIVED) for group in batch}, lock=self._write)
        work = _Batch(there, room)
        for group in batch:
            work.sort(group)
        if self._write:
            work.write(ctx)
        else:
            self._pretended += room.taken
            work.note_new({})
        return work.outcome


class _Batch:
    """The work on one batch, in one transaction."""

    def __init__(self, there: Mapping[str, Sequence[ProductRow]], room: Room) -> None:
        self.outcome = Outcome()
        self._there = there
        self._room = room
        self._new: list[tuple[Group, dict[str, Any]]] = []
        self._changed: dict[UUID, dict[str, Any]] = {}

    def sort(self, group: Group) -> None:
        """Find out whether a product is new, differs, or is as the file says."""
        values = _merged(group, self.outcome)
        rows, archived = self._there.get(group.key.removesuffix(_ARCHIVED), []), group.key.endswith(_ARCHIVED)
        known = _same(rows, archived=archived)
        if known is not None:
            self._compare(group, values, known)
        elif archived and rows:
            self.outcome.lose(group, _ON_SALE)
        else:
            self._admit(group, values)

    def write(self, ctx: Ctx) -> None:
        """Make what is new and change what differs."""
        made: dict[str, ProductRow] = {}
        for archived in (False, True):
            rows = [row for _, row in self._new if (row["status"] == "archived") is archived]
            ending = _ARCHIVED if archived else ""
            made |= {sku + ending: row for sku, row in products.create_many(ctx, rows).items()}
        known = {row.id: row for rows in self._there.values() for row in rows}
        products.change_many(ctx, self._changed, known)
        self.note_new(made)

    def note_new(self, made: Mapping[str, ProductRow]) -> None:
        """Note what was made; in a trial nothing was, and what would be has no id."""
        for group, row in self._new:
            product = made.get(group.key)
            after = {name: row[name] for name in products.WRITTEN}
            self.outcome.changes.append(
                Change(group.rows[0][0], "product", "created", row["sku"], product.id if product else None, {}, after)
            )
        self.outcome.counts.update(products_created=len(self._new), products_updated=len(self._changed))

    def _admit(self, group: Group, values: dict[str, Any]) -> None:
        row = _DEFAULTS | values
        places = 0 if row["status"] == "archived" else 1
        if not self._room.fits(places):
            self.outcome.lose(group, self._room.refusal())
            return
        self._room.take(places)
        self._new.append((group, row))
        self.outcome.imported += len(group.rows)

    def _compare(self, group: Group, values: dict[str, Any], known: ProductRow) -> None:
        difference = {name: value for name, value in values.items() if getattr(known, name) != value}
        difference.pop("sku", None)
        if not difference:
            self.outcome.unchanged += len(group.rows)
            self.outcome.counts["products_unchanged"] += 1
            return
        self._changed[known.id] = difference
        self.outcome.imported += len(group.rows)
        self.outcome.counts["rows_changed"] += len(group.rows)
        # A price is told with its currency, also where only one of the two differs.
        before = {name: getattr(known, name) for name in ("price_minor", "currency", *difference)}
        after = before | difference
        self.outcome.changes.append(Change(group.rows[0][0], "product", "changed", known.sku, known.id, before, after))


def _same(there: Sequence[ProductRow], *, archived: bool) -> ProductRow | None:
    return next((row for row in there if (row.status == "archived") is archived), None)


def _merged(group: Group, outcome: Outcome) -> dict[str, Any]:
    """Return what most rows of a product say of each field; of equals, what the first says. A note tells of others."""
    merged: dict[str, Any] = {}
    for name in dict.fromkeys(name for _, values in group.rows for name in values):
        # The currency goes with its price, so the two are counted together.
        said = Counter((values.get(name), values["currency"]) for _, values in group.rows if name in values)
        merged[name] = said.most_common(1)[0][0][0]
        if len({value for value, _ in said}) > 1 and name != "sku":
            _tell(group, name, len(said), merged[name], outcome)
    return merged


def _tell(group: Group, name: str, different: int, kept: object, outcome: Outcome) -> None:
    if name == "price_minor":
        told = f"The rows of this SKU have {different} different prices; the most frequent one counts."
    else:
        told = f"The rows of this SKU differ in {name}; “{str(kept)[:60]}” counts."
    outcome.say(group.numbers()[:1], note("differs", told, "price" if name == "price_minor" else name))
