"""Names of files, whatever people and programs call them."""

from __future__ import annotations

from urllib.parse import unquote
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.files.keys import new_key
from app.files.names import attachment, safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\temp\\orders.csv", "orders.csv"),
        ("a\r\nSet-Cookie: x.csv", "aSet-Cookie x.csv"),
        (".htaccess", "htaccess"),
        ("", "import.csv"),
        ("...", "import.csv"),
        ("\u202egpj.csv", "gpj.csv"),
        ("x" * 300 + ".csv", "x" * 116 + ".csv"),
    ],
)
def test_names_lose_what_is_dangerous(name: str, safe: str) -> None:
    assert safe_name(name, "import.csv") == safe


@given(name=st.text(st.characters(blacklist_categories=("Cs",)), max_size=200))
def test_a_download_announces_its_name_in_plain_ascii_and_in_full(name: str) -> None:
    safe = safe_name(name, "file")
    header = attachment(safe)
    assert header.isascii()
    assert header.isprintable()
    assert header.startswith('attachment; filename="')
    assert header.count('"') == 2
    assert unquote(header.rsplit("''", 1)[1]) == safe


def test_keys_are_the_tenants_and_chance() -> None:
    tenant_id = uuid4()
    one, two = (new_key(tenant_id, "import") for _ in range(2))
    assert one != two
    assert one.startswith(f"tenant/{tenant_id}/import/")
    with pytest.raises(TypeError):
        new_key("../other", "import")  # type: ignore[arg-type]
