from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.redirects import safe_path

ORIGIN = "https://acme.terrace.example/signin"


@pytest.mark.parametrize("path", ["/", "/orders", "/orders?open=1&sort=-name", "/a%2f%2fb", "/search?q=http://x"])
def test_paths_of_this_site_pass(path: str) -> None:
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "target",
    [
        None, "", "orders", "//evil.example", "/\\evil.example", "///evil.example", "https://evil.example",
        "javascript:alert(1)", "/\t/evil.example", "/\n/evil.example", "\x00/x", "/x\r\nSet-Cookie: a=b", "http:evil",
        "/ok\\..\\evil", " /x", "/%0a /x",
    ],
)  # fmt: skip
def test_anything_else_leads_home(target: str | None) -> None:
    assert safe_path(target, "/home") == "/home"


@given(st.text(alphabet="/\\:@?#.\t\n ahtps%0", max_size=24))
def test_no_target_ever_leaves_the_origin(target: str) -> None:
    assert urlsplit(urljoin(ORIGIN, safe_path(target))).netloc == "acme.terrace.example"
