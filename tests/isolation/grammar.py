"""Random statements over the catalog, each by a seeded generator, so that a finding can be repeated by its number."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.isolation.catalog import Table
from tests.isolation.planting import Planted


@dataclass
class Grammar:
    """Writes statements about `tables` as somebody who wants to see `victims`."""

    rng: random.Random
    tables: Sequence[Table]
    own: Planted
    victims: Sequence[Planted]

    def statement(self) -> str:
        """Return one statement."""
        if self.rng.random() < 0.3:
            return self.write()
        query = self.query(depth=2)
        wrappers = ("{q}", "{q}", "COPY ({q}) TO STDOUT", "DECLARE c CURSOR FOR {q}; FETCH ALL FROM c",
                    "WITH w AS MATERIALIZED ({q}) SELECT * FROM w",
                    "SELECT count(*), string_agg(w::text, '') FROM ({q}) w",
                    "SELECT to_jsonb(w) FROM ({q}) w")  # fmt: skip
        return self.rng.choice(wrappers).format(q=query)

    def query(self, depth: int) -> str:
        """Return a SELECT whose output holds no constant that names a victim."""
        froms, aliases = self._from(depth)
        text = f"SELECT {self._output(aliases)} FROM {froms}"
        if self.rng.random() < 0.8:
            text += f" WHERE {self._condition(aliases, depth)}"
        if depth and self.rng.random() < 0.15:
            return f"(SELECT q::text FROM ({text}) q) UNION ALL (SELECT x::text FROM {self._table().label} x)"
        return text + self.rng.choice(("", "", " LIMIT 50", " FOR UPDATE", " FOR KEY SHARE SKIP LOCKED"))

    def write(self) -> str:
        """Return a write that moves no row out of its tenant by what it sets."""
        table = self._table()
        where = self._condition([("t", table)], depth=1)
        shape = self.rng.choice(("update", "delete", "merge", "insert", "update from"))
        if shape == "update":
            return f"UPDATE {table.label} t SET tenant_id = tenant_id WHERE {where} RETURNING *"
        if shape == "delete":
            return f"DELETE FROM {table.label} t WHERE {where} RETURNING *"
        if shape == "merge":
            source = self._table()
            return (
                f"MERGE INTO {table.label} t USING {source.label} s ON {where}"
                " WHEN MATCHED THEN UPDATE SET tenant_id = s.tenant_id"
            )
        if shape == "insert":
            return (
                f"INSERT INTO {table.label} OVERRIDING SYSTEM VALUE SELECT t.* FROM {table.label} t WHERE {where}"
                " ON CONFLICT DO NOTHING"
            )
        return (
            f"UPDATE {table.label} t SET tenant_id = {self._uuid()} FROM {self._table().label} s"
            f" WHERE {where} AND s.tenant_id = t.tenant_id"
        )

    def _table(self) -> Table:
        return self.rng.choice(self.tables)

    def _from(self, depth: int) -> tuple[str, list[tuple[str, Table]]]:
        aliases = [(f"a{depth}{n}", self._table()) for n in range(self.rng.choice((1, 1, 2, 3)))]
        text = f"{aliases[0][1].label} {aliases[0][0]}"
        for name, table in aliases[1:]:
            first = aliases[0][0]
            nearby = f"SELECT * FROM {table.label} i WHERE i.tenant_id = {self._uuid()} OR {first}.ctid IS NULL"
            join = self.rng.choice((
                f" CROSS JOIN {table.label} {name}",
                f" LEFT JOIN {table.label} {name} ON {name}.tenant_id = {self._uuid()}",
                f" JOIN {table.label} {name} ON {name}.tenant_id <> {first}.tenant_id OR true",
                f" RIGHT JOIN {table.label} {name} ON {name}.tenant_id = {first}.tenant_id",
                f", LATERAL ({nearby}) {name}",
            ))  # fmt: skip
            text += join
        return text, aliases

    def _output(self, aliases: list[tuple[str, Table]]) -> str:
        name, table = self.rng.choice(aliases)
        column = self.rng.choice(table.columns).name
        return self.rng.choice((f"{name}.*", f"{name}::text AS r", f'{name}."{column}"', f"to_jsonb({name}) AS r",
                                f'coalesce({name}."{column}"::text, {name}.tenant_id::text) AS r'))  # fmt: skip

    def _condition(self, aliases: list[tuple[str, Table]], depth: int) -> str:
        parts = [self._predicate(aliases, depth) for _ in range(self.rng.choice((1, 2, 3)))]
        return self.rng.choice((" AND ", " OR ")).join(parts)

    def _predicate(self, aliases: list[tuple[str, Table]], depth: int) -> str:
        name, table = self.rng.choice(aliases)
        column = self.rng.choice(table.columns).name
        choices = [
            "true",
            f"{name}.tenant_id = {self._uuid()}",
            f"{name}.tenant_id <> '{self.own.id}'",
            f"NOT ({name}.tenant_id = '{self.own.id}' AND {name}.ctid >= '(0,0)')",
            f"{name}.tenant_id = ANY (ARRAY[{self._uuid()}, {self._uuid()}]::uuid[])",
            f'{name}."{column}" IS NOT NULL',
            f"{name}::text LIKE '%canary%'",
            f"coalesce(current_setting('app.tenant_id', true), '') <> {name}.tenant_id::text",
        ]
        if depth:
            inner = self._table()
            wanted = f"SELECT i.tenant_id FROM {inner.label} i WHERE {self._predicate([('i', inner)], depth - 1)}"
            choices += [f"EXISTS ({wanted})", f"{name}.tenant_id IN ({wanted})", f"{name}.tenant_id <> ALL ({wanted})"]
        return self.rng.choice(choices)

    def _uuid(self) -> str:
        return f"'{self.rng.choice([self.own, *self.victims]).id}'::uuid"
