"""What the buyer hears: one mail for each thing that happens, to nobody else."""

from __future__ import annotations

from typing import Any

from app.store.orders import service
from app.store.orders.stock import Wish
from tests.mailbox import Mailbox
from tests.store.support import make
