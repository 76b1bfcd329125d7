"""Cursors: signed, bound to tenant and list, and exact for every kind of value."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.errors import Invalid
from app.kit.paging import Cursor, ListKey, decode, encode

KEY = ListKey("a secret", uuid4(), "things sort=name")


# Whole numbers are columns of eight bytes.
WHOLE = st.integers(-(2**63), 2**63 - 1)


@given(st.one_of(st.text(), WHOLE, st.datetimes(timezones=st.just(UTC))), st.uuids(), st.booleans())
def test_what_goes_in_comes_out(value: str | int | datetime, row: object, back: bool) -> None:
    cursor = Cursor(value, row, back)  # type: ignore[arg-type]
    assert decode(KEY, encode(KEY, cursor)) == cursor


@given(st.text())
def test_invented_text_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        decode(KEY, text)


@pytest.mark.parametrize(
    "other",
    [
        ListKey("another secret", KEY.tenant_id, KEY.scope),
        ListKey(KEY.secret, uuid4(), KEY.scope),
        ListKey(KEY.secret, KEY.tenant_id, "things sort=price"),
    ],
)
def test_a_cursor_of_another_list_is_refused(other: ListKey) -> None:
    text = encode(KEY, Cursor("x", uuid4()))
    with pytest.raises(Invalid):
        decode(other, text)


def test_every_changed_character_is_noticed() -> None:
    text = encode(KEY, Cursor("Harbour", uuid4()))
    # The last character is left out: some of its bits may mean nothing.
    for at, sign in enumerate(text[:-1]):
        forged = text[:at] + ("A" if sign != "A" else "B") + text[at + 1 :]
        with pytest.raises(Invalid):
            decode(KEY, forged)
