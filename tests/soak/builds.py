"""Two wrong ways to build the engine, which the soak must find out."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event

from tenants.binding import Binding
from tenants.databases import OPTION, sqlalchemy_url


def session_level(url: str, *, size: int) -> Engine:
    """Return an engine that sets the tenant for the session when a connection is checked out.

    Right on connections of one's own, and wrong behind a pooler in transaction mode.
    """
    engine = _engine(url, size)
    event.listen(engine, "engine_connect", _set_for_the_session)
    event.listen(engine, "begin", _begin)
    return engine


def bound_once(url: str, *, size: int) -> Engine:
    """Return an engine that sets the tenant for the session when a connection is used for the first time."""
    engine = _engine(url, size)
    event.listen(engine, "engine_connect", _set_the_first_time)
    event.listen(engine, "begin", _begin)
    return engine


def _engine(url: str, size: int) -> Engine:
    arguments = {"autocommit": True, "prepare_threshold": None}
    return create_engine(sqlalchemy_url(url), pool_size=size, max_overflow=0, connect_args=arguments)


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _set_for_the_session(connection: Connection) -> None:
    binding: Binding = connection.get_execution_options()[OPTION]
    _driver(connection).execute(binding.sql.replace(b"SET LOCAL ", b"SET ").removeprefix(b"BEGIN; "))


def _set_the_first_time(connection: Connection) -> None:
    if not connection.connection.info.get("is_set"):
        connection.connection.info["is_set"] = True
        _set_for_the_session(connection)


def _begin(connection: Connection) -> None:
    _driver(connection).execute(b"BEGIN")
