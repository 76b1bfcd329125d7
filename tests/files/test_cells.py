"""Cells are harmless to a spreadsheet and come back as they were."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text

from app.files.cells import looks_like_formula, neutralise, neutralised_sql, restore
from tests.world import House, World

_TRICKY = st.text(st.sampled_from("=+-@\t\r\n'\"＝＋－＠a, "), max_size=6)


@given(cell=st.one_of(_TRICKY, st.text(max_size=30)))
@example(cell="'")
@example(cell="''=1")
@example(cell="'=1")
@example(cell="=1")
@example(cell="")
def test_a_neutralised_cell_is_no_formula_and_comes_back(cell: str) -> None:
    assert not looks_like_formula(neutralise(cell))
    assert restore(neutralise(cell)) == cell


@given(cell=st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=20))
def test_ordinary_cells_stay_as_they_are(cell: str) -> None:
    assert neutralise(cell) == restore(cell) == cell


@pytest.fixture(scope="module")
def house(world: World) -> House:
    """Return any tenant."""
    return world.tenant("acme")


def test_the_database_neutralises_as_python_does(house: House) -> None:
    samples = [
        "",
        "a",
        "=1",
        "'=1",
        "''-2",
        "'",
        "'a",
        "\t=",
        "\rx",
        "\nx",
        "＝1",
        "－",
        "@",
        "a=1",
        "+",
        "'＠x",
        "\\d",
    ]
    statement = (
        f"SELECT {neutralised_sql('c')} FROM unnest(CAST(:cells AS text[])) WITH ORDINALITY AS t (c, n) ORDER BY n"
    )
    with house.ctx() as ctx:
        found = ctx.db.execute(text(statement), {"cells": samples}).scalars().all()
    assert list(found) == [neutralise(cell) for cell in samples]
