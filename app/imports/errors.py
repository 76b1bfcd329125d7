"""What an import refuses, by name."""

from __future__ import annotations

from app.kit.errors import Conflict, DomainError, Invalid


class ImportStarted(Conflict):
    """The import is under way or over; its columns cannot be chosen any more."""

    code, title = "import.started", "This import has started already"


class KeyReused(Invalid):
    """The idempotency key came before, with another file or other choices."""

    code, title = "idempotency.mismatch", "This Idempotency-Key belongs to another request"


class NothingToRetry(Conflict):
    """The import left no row out, or is not over."""

    code, title = "import.nothing_to_retry", "There are no rows to try again"


class CannotUndo(Conflict):
    """The import was a trial, is under way, changed nothing, is too old or is undone already."""

    code, title = "import.cannot_undo", "This import cannot be undone"


class FileUnreadable(DomainError):
    """The file as a whole makes no sense; nothing was imported."""

    status, code, title = 422, "import.unreadable", "The file cannot be read"


class TooManyRows(DomainError):
    """The file has more rows than one import takes; nothing was imported."""

    status, code, title = 422, "import.too_many_rows", "The file has too many rows"
