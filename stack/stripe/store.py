"""Everything that lasts, in one SQLite file: objects of any type, and beside them what no API call shows."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TABLES = """
CREATE TABLE IF NOT EXISTS account (
    name TEXT PRIMARY KEY, ahead INTEGER NOT NULL DEFAULT 0, manners TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL,
    created INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (account, id));
CREATE INDEX IF NOT EXISTS object_by_type ON object (account, type, seq);
CREATE TABLE IF NOT EXISTS appointment (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,
    target TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answer (
    account TEXT NOT NULL, key TEXT NOT NULL, path TEXT NOT NULL, fingerprint TEXT NOT NULL, at INTEGER NOT NULL,
    request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (account, key));
CREATE TABLE IF NOT EXISTS secret (
    endpoint TEXT NOT NULL, secret TEXT NOT NULL, expires_at INTEGER);
CREATE TABLE IF NOT EXISTS delivery (
    id TEXT PRIMARY KEY, seq INTEGER NOT NULL, account TEXT NOT NULL, event TEXT NOT NULL, endpoint TEXT NOT NULL,
    state TEXT NOT NULL, first_at INTEGER NOT NULL, due_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (state, due_at);
CREATE INDEX IF NOT EXISTS delivery_event ON delivery (account, event);
CREATE TABLE IF NOT EXISTS attempt (
    delivery TEXT NOT NULL, at REAL NOT NULL, status INTEGER, said TEXT NOT NULL, took_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS attempt_of ON attempt (delivery);
"""


class Store:
    """One connection, one writer at a time: calls are short, and so no two ever see each other half done."""

    def __init__(self, path: Path) -> None:
        """Open the file, made when it is missing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        # What is committed outlives the process, however it ends; only a machine that dies may lose the last calls.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_TABLES)
        # What was on its way when the process ended may not have arrived.
        self._db.execute("UPDATE delivery SET state = 'waiting' WHERE state = 'sending'")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for one all-or-nothing step."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
