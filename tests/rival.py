"""Another transaction on rows that the code under test wants."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from tests.jobs.engine.house import eventually


class Rival:
    """A superuser's transaction on the rows of one schema; the server never picks it as a deadlock's victim."""

    def __init__(self, url: str, schema: str) -> None:
        self._schema = sql.Identifier(schema)
        self._connection = psycopg.connect(url)
        # Who waits for this long first is who is broken off: never this side.
        self._connection.execute("SET deadlock_timeout = '1min'")
        self._connection.commit()

    def close(self) -> None:
        """Give everything back."""
        self._connection.close()

    def run(self, statement: LiteralString, *values: Any) -> None:
        """Run a statement, in which `{}` stands for the schema, in the transaction."""
        self._connection.execute(sql.SQL(statement).format(self._schema), values)

    def back_again(self) -> AbstractContextManager[Any]:
        """Take back what the block does; what was locked before it stays locked."""
        return self._connection.transaction(force_rollback=True)

    def let_go(self) -> None:
        """End the transaction."""
        self._connection.commit()

    def roll_back(self) -> None:
        """End the transaction, and take back what it did."""
        self._connection.rollback()

    def wait_for_other(self) -> None:
        """Return when somebody waits for this transaction."""
        eventually(self._keeps_someone_waiting, within=10, what="a wait for the rival")

    def _keeps_someone_waiting(self) -> bool:
        info = self._connection.info
        query = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
        with psycopg.connect(info.dsn, password=info.password) as other:
            return other.execute(query, [info.backend_pid]).fetchone() is not None
