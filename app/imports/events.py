"""Facts about imports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from app.kit.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportUndone(Event):
    """What an import brought in was taken back, but for what others depend on; `aggregate_id` is the import."""

    TYPE: ClassVar[str] = "imports.run.undone.v1"
    resource: str
    undone: int
    kept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFinished(Event):
    """A file was imported to its end; `aggregate_id` is the import."""

    TYPE: ClassVar[str] = "imports.run.finished.v1"
    resource: str
    rows_read: int
    rows_imported: int
    rows_unchanged: int
    rows_failed: int
