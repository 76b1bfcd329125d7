"""Brings products in: makes those that are new, changes those that differ, by SKU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.imports.importer import Outcome
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

    def read(self, cells: Mapping[str, str], now: datetime) -> Record:
        """Return a row as a record of its product.

        Raises RowRefused.
        """
        return read_row(cells, self._options)

    def take(self, ctx: Ctx, batch: Sequence[Group], spool: Spool) -> Outcome:
        """Bring a batch of products in."""
        outcome = Outcome()
        there = products.find_many(ctx, {group.key.removesuffix(_ARCHIVED) for group in batch}, lock=self._write)
        room = Room(ctx, "products", pretended=self._pretended)
        new: list[dict[str, Any]] = []
        changed: dict[UUID, dict[str, Any]] = {}
        for group in batch:
            values = _merged(group, outcome)
            rows, archived = there.get(group.key.removesuffix(_ARCHIVED), []), group.key.endswith(_ARCHIVED)
            known = _same(rows, archived=archived)
            if known is None and archived and rows:
                outcome.lose(group, _ON_SALE)
            elif known is None:
                self._admit(group, values, room, new, outcome)
            else:
                self._compare(group, values, known, changed, outcome)
        if self._write:
            products.create_many(ctx, [row for row in new if row["status"] != "archived"])
            products.create_many(ctx, [row for row in new if row["status"] == "archived"])
            products.change_many(ctx, changed)
        else:
            self._pretended += room.taken
        outcome.counts.update(products_created=len(new), products_updated=len(changed))
        return outcome

    def _admit(
        self, group: Group, values: dict[str, Any], room: Room, new: list[dict[str, Any]], outcome: Outcome
    ) -> None:
        row = _DEFAULTS | values
        places = 0 if row["status"] == "archived" else 1
        if not room.fits(places):
            outcome.lose(group, room.refusal())
            return
        room.take(places)
        new.append(row)
        outcome.imported += len(group.rows)

    def _compare(
        self,
        group: Group,
        values: dict[str, Any],
        known: ProductRow,
        changed: dict[UUID, dict[str, Any]],
        outcome: Outcome,
    ) -> None:
        difference = {name: value for name, value in values.items() if getattr(known, name) != value}
        difference.pop("sku", None)
        if difference:
            changed[known.id] = difference
            outcome.imported += len(group.rows)
        else:
            outcome.unchanged += len(group.rows)
            outcome.counts["products_unchanged"] += 1


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
