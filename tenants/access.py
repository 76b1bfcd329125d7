"""What each route demands, declared on the view itself. A route without a declaration stops the start-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from tenants.admission import Urgency

View = TypeVar("View", bound=Callable[..., Any])
ATTRIBUTE = "__access__"
# Bytes of a request body; routes that take files declare more.
MAX_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Access:
    """The demands of one route.

    `host` is where it answers: "tenant" (a workspace, by host or by token), "apex" (the installation's own host) or
    "any". `permission` None means public, and then `reason` says why. `signed_in` routes need a user but no permission.
    `status` lists the tenant states it serves. `metered` routes count against the tenant's rate, and
    a body may hold `max_body` bytes. An `idempotent` route has all its effects in the request's one transaction: its
    answer is kept under the client's key, and it is tried again when the database broke that transaction off.
    `urgency` decides who is turned away first when there is more to do than can be
    done; None stands for routes that answer whatever happens and take no place in the queue.
    """

    permission: str | None = None
    reason: str = ""
    host: str = "tenant"
    feature: str | None = None
    signed_in: bool = True
    statuses: tuple[str, ...] = ("active",)
    metered: bool = True
    idempotent: bool = True
    max_body: int = MAX_BODY
    urgency: Urgency | None = Urgency.NORMAL


def access(
    permission: str | None,
    *,
    feature: str | None = None,
    statuses: tuple[str, ...] = ("active",),
    idempotent: bool = True,
    max_body: int = MAX_BODY,
    urgency: Urgency = Urgency.NORMAL,
) -> Callable[[View], View]:
    """Let signed-in users in who hold `permission` (None: every signed-in user of the tenant)."""
    return _declare(
        Access(
            permission,
            feature=feature,
            statuses=statuses,
            idempotent=idempotent,
            max_body=max_body,
            urgency=urgency,
        )
    )


def public(
    reason: str,
    *,
    host: str = "tenant",
    statuses: tuple[str, ...] = ("active",),
    metered: bool = True,
    idempotent: bool = True,
    max_body: int = MAX_BODY,
    urgency: Urgency | None = Urgency.NORMAL,
) -> Callable[[View], View]:
    """Let everybody in, because of `reason`."""
    return _declare(
        Access(
            None,
            reason=reason,
            host=host,
            signed_in=False,
            statuses=statuses,
            metered=metered,
            idempotent=idempotent,
            max_body=max_body,
            urgency=urgency,
        )
    )


def _declare(declaration: Access) -> Callable[[View], View]:
    def mark(view: View) -> View:
        setattr(view, ATTRIBUTE, declaration)
        return view

    return mark


def access_of(view: Callable[..., Any]) -> Access | None:
    """Return what `view` declares, or None."""
    found = getattr(view, ATTRIBUTE, None)
    return found if isinstance(found, Access) else None
