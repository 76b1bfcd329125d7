"""A full disk, whoever meets it: Python's files, or a database file of SQLite's."""

from __future__ import annotations

import errno
import sqlite3

from app.kit.errors import DomainError

# A volume, a quota or a limit on one file's size: to who wants to write it is the same.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SQLITE_FULL, _SQLITE_IOERR = 13, 10


class NoRoom(DomainError):
    """Nothing more can be written to disk here; what needs no file works on."""

    status, code, title = 507, "storage.full", "There is no room for files right now"


def no_room() -> NoRoom:
    """Return the error with what to do about it."""
    return NoRoom(
        "Nothing of this was saved. Try again in a few minutes; if it stays, tell us.", headers={"Retry-After": "120"}
    )


def is_full(error: BaseException) -> bool:
    """Say whether `error` means that a disk is full."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in (_SQLITE_FULL, _SQLITE_IOERR)
    return isinstance(error, OSError) and error.errno in _FULL
