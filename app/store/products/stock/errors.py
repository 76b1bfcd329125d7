"""What can go wrong with stock, by name."""

from __future__ import annotations

from app.kit.errors import Conflict


class NotCounted(Conflict):
    """Nobody counts this product's stock, so nothing can be added to it."""

    code, title = "store.not_counted", "The stock of this product is not counted"
