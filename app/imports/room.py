"""How much a plan still has room for, in a real import and in a trial that counts nothing."""

from __future__ import annotations

from app.imports.problems import Problem
from tenants import quotas
from tenants.context import Ctx


class Room:
    """The places of one metric that are free for one batch."""

    def __init__(self, ctx: Ctx, metric: str, *, pretended: int = 0) -> None:
        quota = quotas.quota(ctx, metric)
        self._ctx = ctx
        self._metric = metric
        self._used = quota.used + pretended
        self._left = None if quota.left is None else max(0, quota.left - pretended)
        self.taken = 0

    def fits(self, count: int) -> bool:
        """Say whether `count` more fit."""
        return self._left is None or self.taken + count <= self._left

    def take(self, count: int) -> None:
        """Count `count` more for this batch."""
        self.taken += count

    def refusal(self) -> Problem:
        """Say which limit is reached, that nothing is lost, and how to go on."""
        told = quotas.exceeded(self._ctx, self._metric, used=self._used + self.taken).detail or ""
        return Problem("limit", f"Not imported: {told} Import the file again then; what is in stays as it is.")
