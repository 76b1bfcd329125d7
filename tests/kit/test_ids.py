"""Ids are version 7, ordered by time, and read strictly."""

from __future__ import annotations

import uuid

from app.kit.ids import new_id, parse_id


def test_ids_are_version_seven_and_grow() -> None:
    made = [new_id() for _ in range(1000)]
    assert {i.version for i in made} == {7}
    assert len(set(made)) == 1000
    assert made[0] < made[-1]


def test_only_the_canonical_form_is_an_id() -> None:
    one = new_id()
    assert parse_id(str(one)) == one
    for other in (one.hex, f"{{{one}}}", f"urn:uuid:{one}", "", "x", None, 5, str(uuid.uuid4())[:-1]):
        assert parse_id(other) is None
