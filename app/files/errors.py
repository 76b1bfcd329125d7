"""What can go wrong with a file, by name."""

from __future__ import annotations

from app.kit.errors import Gone, Unavailable


class FileGone(Gone):
    """The file was kept for its time and then removed."""

    code, title = "file.gone", "This file is not kept any more"


class StoreDown(Unavailable):
    """The file store does not answer; said to people at a door."""

    code, title = "file.store_down", "The file store does not answer"


class StoreUnreachable(Exception):
    """The file store does not answer. Not an expected failure of the request: a job that meets it runs again."""
