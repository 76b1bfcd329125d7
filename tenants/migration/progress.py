"""A run as the person at the terminal sees it: one bar that grows, or plain lines where nobody watches live."""

from __future__ import annotations

import time
from typing import TextIO

from tenants.migration.plan import Plan, Target

_WIDTH = 30
_REDRAW = 0.1


class Progress:
    """Shows a run on `out`."""

    def __init__(self, out: TextIO) -> None:
        """Show nothing yet."""
        self._out = out
        self._live = out.isatty()
        self._total = self._done = self._failures = 0
        self._began = self._drawn = time.monotonic()

    def planned(self, plan: Plan) -> None:
        """Start the bar, or make it longer."""
        count = sum(1 for _ in plan.targets)
        self._total += count
        if count and not self._live:
            self._line(f"{count} schemas to move to {plan.head}, in {len(plan.waves)} waves.")

    def moved(self, target: Target, seconds: float) -> None:
        """Count a schema that stands at the head."""
        self._done += 1
        if self._live:
            self._draw(target.label)
        else:
            self._line(f"{target.label}  from {target.revision}  {seconds * 1000:.0f} ms")

    def failed(self, target: Target, reason: str) -> None:
        """Count a schema that could not be moved, and say why."""
        self._done += 1
        self._failures += 1
        self._line(f"{target.label}  FAILED  {reason}")

    def waiting(self, what: str) -> None:
        """Say what the run waits for."""
        self._line(f"Waiting for {what} …")

    def close(self) -> None:
        """End the bar's line."""
        if self._live and self._total:
            self._drawn = 0.0
            self._draw("")
            self._out.write("\n")

    def _line(self, text: str) -> None:
        clear = "\r\x1b[2K" if self._live else ""
        self._out.write(f"{clear}{text}\n")
        self._out.flush()

    def _draw(self, label: str) -> None:
        now = time.monotonic()
        if now - self._drawn < _REDRAW and self._done < self._total:
            return
        self._drawn = now
        filled = _WIDTH * self._done // max(self._total, 1)
        bar = "█" * filled + "·" * (_WIDTH - filled)
        pace = self._done / max(now - self._began, 0.001)
        left = f", {(self._total - self._done) / pace:.0f} s left" if self._done < self._total else ""
        failures = f", {self._failures} failed" if self._failures else ""
        self._out.write(f"\r\x1b[2K{bar} {self._done}/{self._total}, {pace:.0f}/s{left}{failures}  {label}")
        self._out.flush()
