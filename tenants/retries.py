"""When a request is answered anew: the database broke its transaction off, and nothing of that can have stayed."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
from sqlalchemy.exc import DBAPIError

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

# Broken off for the sake of another transaction, which goes on: the next try meets it ended. A wait that ran into
# `lock_timeout` is none of these; it was long enough, and a second one would keep others out for as long again.
CLASHES = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
TRIES_AFTER_CLASH = 3
TRIES_AFTER_LOSS = 2
# The longest pause before the second try (seconds), doubled before the third; a random part of it is waited, so that
# two that clashed do not meet again.
PAUSE = 0.05


def persist(
    answer: Callable[[float], Answer], *, is_read: bool, is_whole: bool, hopeful: Callable[[], object]
) -> Answer:
    """Return `answer(spent)`, tried again where that is safe; `spent` is how many seconds the tries before it took.

    A lost connection leaves open whether its commit arrived, so only a read is repeated. A clash is always before the
    commit: a write is repeated as well when it `is_whole`, with all its effects in the one transaction.
    `hopeful` raises when the database is known not to answer.
    """
    began = time.monotonic()
    tried = 0
    while True:
        try:
            return answer(time.monotonic() - began)
        except DBAPIError as error:
            tried += 1
            if tried >= _tries(error, is_read=is_read, is_whole=is_whole):
                raise
            hopeful()
            log.warning("The database broke a transaction off; trying again", extra={"reason": _reason(error)})
            time.sleep(PAUSE * tried * secrets.randbelow(1000) / 1000)


def _tries(error: DBAPIError, *, is_read: bool, is_whole: bool) -> int:
    if error.connection_invalidated:
        return TRIES_AFTER_LOSS if is_read else 1
    if isinstance(error.orig, CLASHES) and (is_read or is_whole):
        return TRIES_AFTER_CLASH
    return 1


def _reason(error: DBAPIError) -> str:
    """Return the kind of failure; never its text, which may carry values of rows."""
    return type(error.orig).__name__
