"""What a person may choose about an import, beside which column is which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.imports.values import Dates

ORDER_STATES = ("delivered", "pending")


@dataclass(frozen=True, slots=True)
class Options:
    """The choices of one import."""

    # Of prices whose row names none.
    currency: str
    # Of dates whose text names none.
    time_zone: str = "UTC"
    month_first: bool = False
    # Whether the orders' articles that the shop does not have are made.
    create_products: bool = True
    # What imported orders are when their row does not say: history, or work to do.
    order_state: str = "delivered"
    # Of a workbook, the sheet that is read.
    sheet: str = ""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Options:
        """Return what `stored` gave."""
        return cls(**stored)

    def stored(self) -> dict[str, Any]:
        """Return these options as JSON values."""
        return asdict(self)

    def dates(self) -> Dates:
        """Return how dates are to be read."""
        return Dates(ZoneInfo(self.time_zone), self.month_first)


def latest(now: datetime) -> datetime:
    """Return the last instant that an order of a file may name: clocks differ, zones even by a day."""
    return now + timedelta(days=1)
