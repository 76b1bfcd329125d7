"""Facts about exports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from app.kit.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFinished(Event):
    """A file was made of a workspace's rows; `aggregate_id` is the export."""

    TYPE: ClassVar[str] = "exports.run.finished.v1"
    resource: str
    format: str
    rows: int
