"""What the owner of a job reads when it did not end well: never the text of an exception, which may carry rows."""

from __future__ import annotations

from typing import Any

from app.kit.errors import DomainError
from app.kit.jobs.interrupts import TimedOut
from app.kit.jobs.ledger import Claim
from app.kit.room import is_full, no_room


def is_final(error: BaseException) -> bool:
    """Say whether another attempt would meet the same refusal."""
    return isinstance(error, DomainError) and error.status < 500 and error.status != 429


def problem_of(claim: Claim, error: BaseException) -> dict[str, Any]:
    """Return what is written into the ledger when `error` ended an attempt."""
    if isinstance(error, TimedOut):
        return _problem(claim, "job.timeout", "Out of time", "This took longer than it may. Try it with less at once.")
    if isinstance(error, MemoryError):
        told = "This needed more memory than it may have. Try it with less at once."
        return _problem(claim, "job.memory", "Too much at once", told)
    expected = _expected(error)
    if expected is None:
        told = f"Something went wrong on our side. Try again, or tell us the number {claim.request_id or claim.id}."
        return _problem(claim, "job.failed", "The work failed", told)
    found = _problem(claim, expected.code, expected.title, expected.detail or expected.title)
    if expected.errors:
        found["errors"] = [{"pointer": e.pointer, "detail": e.detail} for e in expected.errors]
    return found


def _expected(error: BaseException) -> DomainError | None:
    if is_full(error):
        return no_room()
    return error if isinstance(error, DomainError) and is_final(error) else None


def _problem(claim: Claim, code: str, title: str, detail: str) -> dict[str, Any]:
    return {"code": code, "title": title, "detail": detail, "request_id": claim.request_id}
