"""Facts about products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.kit.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductEvent(Event):
    """What every fact about a product tells; its id is `aggregate_id`."""

    TYPE: ClassVar[str] = "store.product"
    sku: str
    name: str
    status: str

    @property
    def product_id(self) -> UUID:
        """The product that this is about."""
        return self.aggregate_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductCreated(ProductEvent):
    """A product was added."""

    TYPE: ClassVar[str] = "store.product.created.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductUpdated(ProductEvent):
    """A product was changed, or came back from the archive."""

    TYPE: ClassVar[str] = "store.product.updated.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductArchived(ProductEvent):
    """A product was taken out of sale."""

    TYPE: ClassVar[str] = "store.product.archived.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDeleted(ProductEvent):
    """A product that nothing referred to was deleted."""

    TYPE: ClassVar[str] = "store.product.deleted.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductsImported(Event):
    """Many products were added or changed at once; `aggregate_id` is the import."""

    TYPE: ClassVar[str] = "store.products.imported.v1"
    created: int
    updated: int
