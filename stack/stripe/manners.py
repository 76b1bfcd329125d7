"""How the stand-in behaves towards one account: what a test may bend, each with the real one's way as default."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

_MINUTE, _HOUR = 60, 3_600
# Seconds after the first attempt: soon at first, then rarely, and no more after three days.
RETRIES = (
    *(5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR),
    *(hours * _HOUR for hours in (20, 32, 44, 56, 68, 72)),
)
REFUNDS = ("by_method", "succeeded", "pending_then_succeeded", "pending_then_failed", "succeeded_then_failed")
ORDERS = ("created", "reversed", "shuffled")


class Misspelt(Exception):
    """A control call asks for something that does not exist; the message says what."""


@dataclass(frozen=True)
class Manners:
    """The settings of one account."""

    # Deliveries wait until this is off again.
    hold: bool = False
    # So many more copies of each delivery.
    duplicate: int = 0
    # Seconds of the account's clock from an event to its first delivery.
    delay: float = 0
    # Event types that are recorded and never sent; `*` is all.
    drop: list[str] = field(default_factory=list)
    # Which of the deliveries that are due goes first.
    order: str = "created"
    # Deliveries on their way to one endpoint at once; 1 keeps the order exactly.
    concurrency: int = 4
    # Seconds that an endpoint has for its answer.
    timeout: float = 20
    retries: list[float] = field(default_factory=lambda: list(RETRIES))
    # Seconds of the account's clock from a delayed payment or pending refund to its end.
    settle_after: int = 180
    refund: str = "by_method"
    # What becomes of the next refunds, one after the other; then `refund` holds again.
    next_refunds: list[str] = field(default_factory=list)
    # The key is refused from now on.
    revoked: bool = False

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what was written."""
        return cls(**json.loads(text))

    def write(self) -> str:
        """Return the settings as text."""
        return json.dumps(asdict(self))

    def changed(self, wishes: Mapping[str, Any]) -> Self:
        """Return the settings with some of them changed. Raises Misspelt."""
        known = {each.name: type(getattr(self, each.name)) for each in fields(self)}
        for name, value in wishes.items():
            if name not in known:
                raise Misspelt(f"There is no setting {name!r}; there are {', '.join(sorted(known))}.")
            numeric = known[name] in {int, float} and isinstance(value, int | float) and not isinstance(value, bool)
            if not numeric and not isinstance(value, known[name]):
                raise Misspelt(f"{name} takes a {known[name].__name__}, not {value!r}.")
        made = type(self)(**{**asdict(self), **wishes})
        for name, value, choices in (
            ("order", made.order, ORDERS),
            ("refund", made.refund, REFUNDS),
            *(("next_refunds", each, REFUNDS) for each in made.next_refunds),
        ):
            if value not in choices:
                raise Misspelt(f"{name} is {value!r}; it must be one of {', '.join(choices)}.")
        return made
