"""The database matrix: every table, every way of SQL to reach a row, from inside one tenant's binding (DB-02 … DB-06).

The statements run as the roles that requests have, opened with the very string that binds a request. They run on one
superuser's connection, so that in the same transaction the rows of everybody can be compared before and after.
"""

from __future__ import annotations

import uuid

import psycopg
import pytest

from tests.isolation import planting, statements
from tests.isolation.catalog import Table
from tests.isolation.walls import Walls

PRIVILEGE_DENIED = "42501"
# COPY into a table with row security, and what an object that cannot be found or made says.
REFUSALS = frozenset({PRIVILEGE_DENIED, "0A000", "3F000", "42P01", "42809", "42P16"})


# Who looks, and at whose rows: in one pool; at a stray row in a dedicated schema.
PAIRS = [("A", "B"), ("B", "A"), ("C", "B")]


def _tables(walls: Walls, who: str) -> list[Table]:
    return [*walls.tables[walls.homes[who]], *walls.tables["desk"]]


def _fill(walls: Walls, template: str, table: Table, who: str, other: str) -> bytes:
    return template.format(t=table.label, own=walls.people[who].id, other=walls.people[other].id).encode()


def test_every_table_holds_a_row_of_each_tenant(walls: Walls) -> None:
    """Without them the other tests would prove nothing."""
    for who in walls.homes:
        for table in _tables(walls, who):
            query = f"SELECT count(*) FROM {table.label} WHERE tenant_id = %s"
            counted = walls.connection.execute(query.encode(), (walls.people[who].id,)).fetchone()
            assert counted is not None
            assert counted[0] >= 1, table.label


def test_the_path_names_one_schema_and_temporary_tables_last(walls: Walls) -> None:
    """A second schema would be read where the first lacks a table; unnamed temporary tables would be read first."""
    for who, schema in walls.homes.items():
        walls.inside(who)
        shown = walls.connection.execute("SHOW search_path").fetchone()
        walls.leave()
        assert shown == (f"{schema}, pg_temp",)


def test_nothing_of_a_binding_outlives_its_transaction(walls: Walls) -> None:
    for who in walls.homes:
        walls.inside(who)
        walls.connection.execute("COMMIT")
        left = walls.connection.execute(
            "SELECT coalesce(current_setting('app.tenant_id', true), ''), current_user = session_user"
        ).fetchone()
        assert left == ("", True)


@pytest.mark.parametrize("shape", statements.READS)
def test_a_read_shows_only_the_tenants_own_rows(walls: Walls, shape: str) -> None:
    seen = 0
    for who, other in PAIRS:
        for table in _tables(walls, who):
            walls.inside(who)
            state, shown, _ = walls.run(_fill(walls, statements.READS[shape], table, who, other))
            walls.leave()
            if state:
                needs = ("SELECT", "UPDATE") if shape.startswith("for ") else ("SELECT",)
                assert state == PRIVILEGE_DENIED, (table.label, shown)
                assert not walls.may(who, table, *needs), table.label
                continue
            seen += walls.people[who].mark in shown
            assert shape not in ("exists", "scalar subquery") or "7777" not in shown, table.label
            assert [m for m in walls.foreign_marks(who) if m in shown] == [], (shape, table.label)
    hidden = ("count", "explain", "explain analyze", "scalar subquery", "exists", "others by predicate", "grouping",
              "others by inequality", "for share", "self join")  # fmt: skip
    assert seen or shape in hidden


@pytest.mark.parametrize("shape", statements.WRITES)
def test_a_write_touches_only_the_tenants_own_rows(walls: Walls, shape: str) -> None:
    template, expected = statements.WRITES[shape]
    for who, other in PAIRS:
        for table in _tables(walls, who):
            mine = _count(walls, table, who)
            before = walls.untouched(who)
            walls.inside(who)
            state, shown, touched = walls.run(_fill(walls, template, table, who, other))
            if state:
                walls.leave()
                assert state == PRIVILEGE_DENIED, (table.label, shown)
                assert not walls.may(who, table, "SELECT", "UPDATE", "DELETE"), table.label
                continue
            after = walls.digest(who)
            walls.leave()
            assert touched == (mine if expected == "own" else 0), table.label
            assert [m for m in walls.foreign_marks(who) if m in shown] == []
            assert after == before, table.label


def test_deleting_everything_leaves_the_others_whole(walls: Walls) -> None:
    for who, _ in PAIRS:
        before = walls.untouched(who)
        walls.inside(who)
        for table in reversed(walls.tables[walls.homes[who]]):
            state, shown, touched = walls.run(f"DELETE FROM {table.label} RETURNING *".encode())
            assert state == "", (table.label, shown)
            assert touched >= 1, table.label
        after = walls.digest(who)
        walls.leave()
        assert after == before


@pytest.mark.parametrize("shape", statements.REFUSED)
def test_what_would_open_the_wall_is_refused(walls: Walls, shape: str) -> None:
    for who, other in PAIRS:
        for table in _tables(walls, who):
            walls.inside(who)
            state, shown, _ = walls.run(_fill(walls, statements.REFUSED[shape], table, who, other))
            walls.leave()
            assert state in REFUSALS, (table.label, state, shown)


@pytest.mark.parametrize("tail", ["", "ON CONFLICT DO NOTHING", "RETURNING tenant_id"])
def test_a_row_for_another_tenant_is_refused(walls: Walls, tail: str) -> None:
    for who, other in PAIRS:
        for table in _tables(walls, who):
            existing = planting.row_of(walls.people[other], table)
            fresh = {**existing, **({"id": uuid.uuid4()} if "id" in existing else {})}
            for row in (existing, fresh):
                walls.inside(who)
                state = _insert(walls, table, row, tail)
                walls.leave()
                assert state == PRIVILEGE_DENIED, (table.label, state)


def test_a_merge_cannot_insert_for_another_tenant(walls: Walls) -> None:
    for who, other in PAIRS:
        for table in _tables(walls, who):
            made = {c.name for c in table.columns if c.made}
            row = {k: v for k, v in planting.row_of(walls.people[other], table).items() if k not in made}
            names = ", ".join(f'"{name}"' for name in row)
            holders = ", ".join(["%s"] * len(row))
            walls.inside(who)
            statement = (
                f"MERGE INTO {table.label} x USING (SELECT 1) v ON false WHEN NOT MATCHED THEN"
                f" INSERT ({names}) VALUES ({holders})"
            )
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                walls.connection.execute(statement.encode(), list(row.values()))
            walls.leave()


def test_copying_into_a_walled_table_is_refused(walls: Walls) -> None:
    for who, _ in PAIRS:
        for table in _tables(walls, who):
            walls.inside(who)
            with (
                pytest.raises((psycopg.errors.FeatureNotSupported, psycopg.errors.InsufficientPrivilege)),
                walls.connection.cursor().copy(f"COPY {table.label} FROM STDIN".encode()),
            ):
                pass
            walls.leave()


def test_the_key_of_another_tenants_row_answers_like_a_key_of_nobody(walls: Walls) -> None:
    """An insert under one's own tenant that repeats a neighbour's unique values must not tell that they exist."""
    compared = 0
    for who, other in PAIRS:
        for table in _tables(walls, who):
            for unique in table.uniques:
                theirs = planting.row_of(walls.people[other], table)
                for tail in ("", "ON CONFLICT DO NOTHING"):
                    fresh = planting.fitting_row(walls.people[who], table)
                    named = [c for c in unique if c != "tenant_id" and c in theirs]
                    taken = {**fresh, **{c: theirs[c] for c in named}}
                    nobodys = {**fresh, **{c: uuid.uuid4() for c in named if isinstance(theirs[c], uuid.UUID)}}
                    outcomes = [_outcome(walls, who, table, row, tail) for row in (taken, nobodys)]
                    assert outcomes[0] == outcomes[1], (table.label, unique)
                    compared += 1
    assert compared > 50


def test_a_reference_to_another_tenants_row_answers_like_one_to_nothing(walls: Walls) -> None:
    compared = 0
    for who, other in PAIRS:
        for table in walls.tables[walls.homes[who]]:
            for reference in table.references:
                parent = planting.parent_of(walls.people[other], table, reference.target)
                pairs = list(zip(reference.columns, reference.keys, strict=True))
                theirs = {mine: parent[key] for mine, key in pairs if mine != "tenant_id"}
                nobody = {mine: uuid.uuid4() for mine in theirs}
                fresh = planting.fitting_row(walls.people[who], table)
                outcomes = [_outcome(walls, who, table, {**fresh, **change}) for change in (theirs, nobody)]
                assert outcomes == ["23503", "23503"], (table.label, reference)
                compared += 1
    assert compared >= 9


def test_no_role_reaches_a_table_of_another_schema(walls: Walls) -> None:
    for who, schema in walls.homes.items():
        for other, group in walls.tables.items():
            if other in (schema, "desk"):
                continue
            for table in group:
                for statement in ("SELECT * FROM {t}", "DELETE FROM {t}", "UPDATE {t} SET tenant_id = tenant_id"):
                    walls.inside(who)
                    state, _, _ = walls.run(_fill(walls, statement, table, who, who))
                    walls.leave()
                    assert state == PRIVILEGE_DENIED, (who, table.label)


def test_even_the_owner_of_the_tables_sees_nothing_without_a_tenant(walls: Walls) -> None:
    """Owners pass row security unless it is forced; a migration or a definer's function runs as the owner."""
    for table in (table for group in walls.tables.values() for table in group):
        for statement in ("SELECT * FROM {t}", "UPDATE {t} SET tenant_id = tenant_id RETURNING *"):
            walls.connection.execute("BEGIN; SET LOCAL ROLE terrace_owner")
            outcome = walls.run(_fill(walls, statement, table, "A", "B"))
            walls.leave()
            assert outcome == ("", "[]", 0), (table.label, outcome)


def _count(walls: Walls, table: Table, who: str) -> int:
    query = f"SELECT count(*) FROM {table.label} WHERE tenant_id = %s".encode()
    counted = walls.connection.execute(query, (walls.people[who].id,)).fetchone()
    return int(counted[0]) if counted else 0


def _outcome(walls: Walls, who: str, table: Table, row: planting.Row, tail: str = "") -> str:
    walls.inside(who)
    state = _insert(walls, table, row, tail)
    walls.leave()
    return state


def _insert(walls: Walls, table: Table, row: planting.Row, tail: str) -> str:
    try:
        walls.connection.execute(*planting.insert_statement(table, row, tail))
    except psycopg.Error as error:
        return error.sqlstate or "none"
    return ""
