"""Four planted tenants behind the real walls, and a connection that can stand in any of them and look from above."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tenants.binding import Binding
from tenants.schemas import create_schema, drop_schema, migrator
from tests.isolation import catalog, planting
from tests.isolation.catalog import Digest, Table
from tests.isolation.planting import Planted


@dataclass
class Walls:
    """Four planted tenants, two of them in one pool, and a connection that can stand in any of them."""

    connection: psycopg.Connection[Any]
    people: dict[str, Planted]
    homes: dict[str, str]
    tables: dict[str, list[Table]]
    query: str
    before: dict[str, Digest] = field(default_factory=dict)

    def inside(self, who: str) -> None:
        """Open a transaction as a request of this tenant does."""
        schema = self.homes[who]
        self.connection.execute(Binding(schema, schema, self.people[who].id).sql)

    def leave(self) -> None:
        """Undo everything."""
        self.connection.rollback()
        self.connection.execute("ROLLBACK")

    def run(self, statement: bytes) -> tuple[str, str, int]:
        """Return (SQLSTATE or "", all that came back as one text, rows touched)."""
        cursor = self.connection.cursor()
        try:
            if statement.startswith(b"COPY"):
                with cursor.copy(statement) as copy:
                    return "", b"".join(bytes(part) for part in copy).decode(), 0
            cursor.execute(statement)
            while cursor.nextset():
                continue
            rows = cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            return error.sqlstate or "none", f"{error.diag.message_primary} {error.diag.message_detail}", 0
        return "", repr(rows), max(cursor.rowcount, 0)

    def digest(self, who: str) -> Digest:
        """Return the rows of everybody but `who`, as the superuser sees them in this transaction."""
        self.connection.execute("SET LOCAL ROLE NONE")
        return catalog.digest(self.connection, self.query, without=[self.people[who].id])

    def untouched(self, who: str) -> Digest:
        """Return the rows of everybody but `who` before anything was tried; every try is undone, so once is enough."""
        if who not in self.before:
            self.connection.execute("BEGIN")
            self.before[who] = self.digest(who)
            self.leave()
        return self.before[who]

    def foreign_marks(self, who: str) -> list[str]:
        """Return what `who` must never see."""
        return [mark for name, person in self.people.items() if name != who for mark in person.marks()]

    def may(self, who: str, table: Table, *privileges: str) -> bool:
        """Say whether the role has all of `privileges`; a desk table is not readable by everybody who writes it."""
        question = "SELECT bool_and(has_table_privilege(%s, %s, p)) FROM unnest(%s::text[]) p"
        return bool(
            self.connection.execute(question, (self.homes[who], table.label, list(privileges))).fetchone() == (True,)
        )


@contextlib.contextmanager
def planted_walls(superuser_url: str, admin_url: str) -> Iterator[Walls]:
    """Plant A and B into one pool, C into a schema of its own where also a row of B strayed, and D into another."""
    own, other = f"t_{uuid.uuid4().hex}", f"t_{uuid.uuid4().hex}"
    with migrator(admin_url) as admin:
        create_schema(admin, own)
        create_schema(admin, other)
    homes = {"A": "pool_01", "B": "pool_01", "C": own, "D": other}
    people = {name: Planted(name) for name in homes}
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        found = {schema: catalog.tables(connection, schema) for schema in ("desk", *dict.fromkeys(homes.values()))}
        for name, schema in [*homes.items(), ("B", own)]:
            for table in [*found[schema], *(found["desk"] if schema != own or name != "B" else [])]:
                planting.plant(connection, people[name], table)
        every = [table for group in found.values() for table in group]
        made = Walls(connection, people, homes, found, catalog.digest_query(every))
        yield made
        made.leave()
        _remove(connection, people, every)
    with migrator(admin_url) as admin:
        drop_schema(admin, own)
        drop_schema(admin, other)


def _remove(connection: psycopg.Connection[Any], people: dict[str, Planted], every: list[Table]) -> None:
    ids = [person.id for person in people.values()]
    for table in reversed(every):
        connection.execute(f"DELETE FROM {table.label} WHERE tenant_id = ANY (%s)".encode(), (ids,))
