"""Laws for every template: what the content policy would block must not be written in the first place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.web.assets import ICON_NAMES, STATIC

APP = Path(__file__).parents[2] / "app"
# Mail programs know neither stylesheets nor policies, so letters are written by other laws.
TEMPLATES = sorted(path for path in APP.glob("**/templates/**/*.html") if "mail" not in path.parts)
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_TAG = re.compile(r"<[a-z][^<>]*?(?:\{\{.*?\}\}[^<>]*?|\{%.*?%\}[^<>]*?)*>", re.DOTALL)
FORBIDDEN = {
    "inline style": re.compile(r"\sstyle\s*=|<style", re.IGNORECASE),
    "inline handler": re.compile(r"[\s\"']on[a-z]+\s*=\s*[\"']", re.IGNORECASE),
    "htmx that evaluates": re.compile(r"hx-on|[\"']js:|javascript:|hx-trigger=[\"'][^\"']*\["),
    "inline script": re.compile(r"<script(?![^>]*\bsrc=)", re.IGNORECASE),
    "address of another site": re.compile(r"(?:src|href)=[\"'](?:https?:)?//", re.IGNORECASE),
    "unescaped text": re.compile(r"\|\s*safe\b|autoescape\s+false"),
}


def body(path: Path) -> str:
    return _COMMENT.sub("", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(APP)))
def test_a_template_holds_nothing_that_the_policy_blocks(path: Path) -> None:
    text = body(path)
    assert [what for what, pattern in FORBIDDEN.items() if pattern.search(text)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(APP)))
def test_every_element_with_htmx_carries_the_nonce(path: Path) -> None:
    bare = [tag for tag in _TAG.findall(body(path)) if re.search(r"\shx-[a-z]", tag) and "{{ hx }}" not in tag]
    assert bare == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(APP)))
def test_every_form_that_posts_carries_both_hidden_fields(path: Path) -> None:
    text = body(path)
    for start in re.finditer(r"<form[^>]*method=\"post\"", text):
        form = text[start.start() : text.index("</form>", start.start())]
        whole = "csrf_token" in form and "idempotency_key" in form
        assert whole or "hidden(" in form, form[:120]


def test_every_icon_named_in_a_template_is_in_the_sprite() -> None:
    listed = ICON_NAMES.read_text().split()
    names = set(listed)
    used = {name for path in TEMPLATES for name in re.findall(r"svg_icon\(\"([a-z0-9-]+)\"", body(path))}
    used |= {name for path in TEMPLATES for name in re.findall(r"\bicon=\"([a-z0-9-]+)\"", body(path))}
    assert used - names == set()
    assert listed == sorted(names)


def test_our_script_builds_no_html_from_strings() -> None:
    script = (STATIC / "js" / "app.js").read_text()
    assert (
        re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|setTimeout\(['\"]", script
        )
        == []
    )


def test_the_stylesheet_names_sides_by_reading_direction() -> None:
    css = (STATIC / "css" / "app.css").read_text()
    assert re.findall(r"(?:margin|padding|border)-(?:left|right)\b|[;{ ]float:", css) == []
