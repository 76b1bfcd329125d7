"""Engines, one for each database a placement can name. Every transaction on them opens bound, or not at all."""

from __future__ import annotations

import copy
import re
import select
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import generators
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from tenants.binding import Binding
from tenants.distributed import check_connections
from tenants.errors import TenantIsolationError, Unbound

OPTION = "terrace_binding"
# `SET LOCAL` ends with the transaction; `SET` would stay on the connection and meet its next user.
_SESSION_SET = re.compile(rb"\s*(?:SET\s+(?!LOCAL\b|CONSTRAINTS\b|TRANSACTION\b)|RESET\s|DISCARD\s)", re.IGNORECASE)
# A backend keeps about 1.1 MB for each dedicated schema that it has touched; at this many it is replaced.
MAX_SCHEMAS_PER_CONNECTION = 64
# A peer that is gone without a word is noticed in 19 s (idle) or 10 s (something unsent). Seconds; the last is in ms.
_ROAD = {
    "connect_timeout": 2,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class Databases:
    """The engines by name; `main` always exists."""

    def __init__(self, urls: Mapping[str, str], *, pool_size: int, distributed: bool = False) -> None:
        self._engines = {name: _engine(url, pool_size) for name, url in urls.items()}
        if distributed:
            for engine in self._engines.values():
                check_connections(engine)

    def engine(self, name: str = "main") -> Engine:
        """Return the engine of database `name`.

        Raises TenantIsolationError for a name that no setting knows.
        """
        try:
            return self._engines[name]
        except KeyError:
            raise TenantIsolationError(f"no database named {name!r} is configured") from None

    def names(self) -> list[str]:
        """Return the names of all configured databases."""
        return list(self._engines)

    def dispose(self, *, close: bool = True) -> None:
        """Drop all pooled connections; `close=False` after a fork, where they are the parent's."""
        for engine in self._engines.values():
            engine.dispose(close=close)


def sqlalchemy_url(url: str) -> str:
    """Return a standard `postgresql://` address in the form that names the psycopg 3 driver."""
    return re.sub(r"^postgres(?:ql)?(?:\+psycopg)?://", "postgresql+psycopg://", url)


def bound(engine: Engine, binding: Binding) -> Engine:
    """Return `engine` with `binding` for all its transactions; pool, statement cache and listeners are shared.

    A copy, and not `Engine.execution_options()`, which joins the listeners anew at every call and every connection.
    """
    made = copy.copy(engine)
    made.update_execution_options(**{OPTION: binding})
    return made


def _engine(url: str, pool_size: int) -> Engine:
    engine = create_engine(
        sqlalchemy_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=2,
        pool_recycle=1800,
        # Autocommit in the driver: the begin event below sends BEGIN itself, folded with the binding.
        # No server-side prepare: a prepared plan is rebuilt at every change of search_path.
        connect_args={"autocommit": True, "prepare_threshold": None, **_ROAD},
    )
    event.listen(engine, "begin", _bind)
    event.listen(engine, "before_cursor_execute", _refuse_session_set)
    event.listen(engine.pool, "checkout", _refuse_dead)
    event.listen(engine.pool, "reset", _refuse_dirty)
    return engine


def _bind(connection: Connection) -> None:
    binding: Binding | None = connection.get_execution_options().get(OPTION)
    if binding is None:
        raise Unbound("a transaction was opened without a tenant")
    driver: psycopg.Connection[Any] = connection.connection.dbapi_connection  # type: ignore[assignment]
    try:
        _send(driver, binding.sql)
    except psycopg.OperationalError as error:
        connection.invalidate(error)
        raise OperationalError("bind", None, error, connection_invalidated=True) from error
    except psycopg.Error as error:
        # The role is gone or was never granted: half a binding must not be used.
        driver.rollback()
        raise Unbound(f"the binding was refused: {type(error).__name__}") from error
    _count_schema(connection, binding)


def _send(driver: psycopg.Connection[Any], script: bytes) -> None:
    """Run a script that gives no rows, without the cursor that psycopg would make for it: a third of its cost.

    Raises psycopg.Error.
    """
    driver.pgconn.send_query(script)
    last = driver.wait(generators.execute(driver.pgconn))[-1]
    if last.status != ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(last)


def _count_schema(connection: Connection, binding: Binding) -> None:
    seen: set[str] = connection.connection.info.setdefault("schemas", set())
    if binding.schema:
        seen.add(binding.schema)


def _refuse_session_set(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> None:
    if _SESSION_SET.match(statement.encode()):
        raise TenantIsolationError("session-level SET is refused: it would outlive the transaction")


def _refuse_dead(driver: psycopg.Connection[Any], entry: ConnectionPoolEntry, proxy: Any) -> None:
    """Notice, without a round trip, that the server has closed an idle connection or sent something unasked."""
    if len(entry.info.get("schemas", ())) >= MAX_SCHEMAS_PER_CONNECTION:
        raise DisconnectionError("connection has served its share of schemas")
    if driver.closed or driver.pgconn.transaction_status != TransactionStatus.IDLE:
        raise DisconnectionError("connection is not idle")
    if select.select([driver.fileno()], [], [], 0)[0]:
        raise DisconnectionError("connection has unread data or was closed by the server")


def _refuse_dirty(driver: psycopg.Connection[Any], entry: ConnectionPoolEntry, state: Any) -> None:
    """Give a connection back only in a known state; an interrupted one is closed, never reused."""
    status = driver.pgconn.transaction_status
    if status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
        driver.rollback()
        status = driver.pgconn.transaction_status
    # PostgreSQL 18 reports search_path by itself; older servers report nothing here and the binding overwrites it.
    path = driver.pgconn.parameter_status(b"search_path")
    if status != TransactionStatus.IDLE or path not in (None, entry.info.setdefault("path", path)):
        driver.close()
