"""Front-end files get names that hold their content's hash; icons become one sprite."""

import json
import re
from pathlib import Path

import pytest

from stack.assets import _FILES, Assets
from stack.errors import StackError

CHECKOUT = Path(__file__).parents[2]
ICON = """<svg width="24" stroke-width="2">
  <path stroke="none" d="M0 0h24v24H0z" fill="none" />
  <path d="M1 1l2 2" />
</svg>"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in _FILES:
        (tmp_path / "node_modules" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "node_modules" / name).write_text(name)
    icons = tmp_path / "node_modules/@tabler/icons/icons/outline"
    icons.mkdir(parents=True)
    (icons / "check.svg").write_text(ICON)
    (tmp_path / "node_modules/axe-core").mkdir()
    (tmp_path / "app/web/static").mkdir(parents=True)
    (tmp_path / "app/web/icons.txt").write_text("check\n")
    (tmp_path / "package-lock.json").write_text("{}")
    return tmp_path


def test_files_are_copied_under_hashed_names(checkout: Path) -> None:
    Assets(checkout).collect()

    vendor = checkout / "app/web/static/vendor"
    manifest = json.loads((vendor / "manifest.json").read_text())
    assert re.fullmatch(r"htmx\.min\.[0-9a-f]{12}\.js", manifest["htmx.min.js"])
    assert all((vendor / name).exists() for name in manifest.values())
    assert set(manifest) == {Path(name).name for name in _FILES} | {"icons.svg"}


def test_the_sprite_holds_each_icon_under_its_name(checkout: Path) -> None:
    Assets(checkout).collect()

    (sprite,) = (checkout / "app/web/static/vendor").glob("icons.*.svg")
    text = sprite.read_text()
    assert '<symbol id="check"' in text
    assert 'stroke-width="1.75"' in text
    assert '<path d="M1 1l2 2" />' in text
    assert "M0 0h24v24H0z" not in text


def test_files_are_made_anew_only_when_something_changed(checkout: Path) -> None:
    assets = Assets(checkout)
    assert not assets.fresh()
    assets.collect()
    assert assets.fresh()

    (checkout / "app/web/icons.txt").write_text("check\nnothing\n")

    assert not assets.fresh()
    with pytest.raises(StackError, match="names the icon nothing"):
        assets.collect()


def test_the_locks_name_no_registry() -> None:
    lock = json.loads((CHECKOUT / "package-lock.json").read_text())
    assert all("resolved" not in package for package in lock["packages"].values())
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-uv.txt", "requirements-node.txt"):
        assert "://" not in (CHECKOUT / name).read_text()
