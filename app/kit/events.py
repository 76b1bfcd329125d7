"""Facts that leave a module: frozen dataclasses, past tense, versioned, plain values only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events. `TYPE` is the public name, e.g. `store.order.placed.v1`.

    `aggregate_id` names the thing whose events keep their order.
    """

    TYPE: ClassVar[str]
    aggregate_id: UUID

    def payload(self) -> dict[str, Any]:
        """Return the event's fields as JSON values."""
        return {k: str(v) if isinstance(v, UUID) else v for k, v in asdict(self).items()}
