"""Reading `If-Match`, and the version of a form."""

from __future__ import annotations

import pytest

from app.kit.concurrency import etag, form_version, if_match
from app.kit.errors import StaleVersion, VersionRequired


@pytest.mark.parametrize("header", ['"3"', '"1", "3"', ' "3" ', "*", etag(3)])
def test_a_named_version_matches(header: str) -> None:
    if_match(header).check(3)


@pytest.mark.parametrize("header", ['"4"', 'W/"3"', "3", '"3', '"x"', '"03x"', ","])
def test_any_other_is_stale(header: str) -> None:
    with pytest.raises(StaleVersion):
        if_match(header).check(3)


@pytest.mark.parametrize("header", [None, "", "  "])
def test_none_is_asked_for(header: str | None) -> None:
    with pytest.raises(VersionRequired):
        if_match(header)


def test_a_form_names_one_version() -> None:
    form_version("3").check(3)
    with pytest.raises(StaleVersion):
        form_version("2").check(3)
    for wrong in (None, "", "-1", "3.0", "9" * 20):
        with pytest.raises(VersionRequired):
            form_version(wrong)
