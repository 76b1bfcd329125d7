"""Front-end files of others: fetched by npm, copied under names that hold their content's hash, icons made a sprite.

Standard library only: set-up runs it before anything is installed.
"""

import hashlib
import json
import re
import shutil
from pathlib import Path

from stack.errors import StackError
from stack.node import Node

_FILES = (
    "htmx.org/dist/htmx.min.js",
    "htmx.org/dist/ext/hx-csp.min.js",
    "htmx.org/dist/ext/hx-sse.min.js",
    "htmx.org/dist/ext/hx-preload.min.js",
    "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
    "uplot/dist/uPlot.iife.min.js",
    "uplot/dist/uPlot.min.css",
)
_STROKE = "1.75"
_STAMP = ".stamp"


class Assets:
    """The vendored files of one checkout."""

    def __init__(self, checkout: Path) -> None:
        """Know where things are; nothing is read."""
        self._checkout = checkout
        self._modules = checkout / "node_modules"
        self._icons = checkout / "app/web/icons.txt"
        self._target = checkout / "app/web/static/vendor"

    def fresh(self) -> bool:
        """Tell whether the files are those of the lock, the icon list and this program."""
        stamp = self._target / _STAMP
        return stamp.exists() and stamp.read_text() == self._wanted() and (self._modules / "axe-core").exists()

    def build(self, node: Node) -> None:
        """Fetch the packages and make the folder anew. Raises StackError when a step fails."""
        node.run_npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", cwd=self._checkout)
        self.collect()

    def collect(self) -> None:
        """Make the folder anew from the packages there are. Raises StackError for an unknown icon."""
        draft = self._target.with_name("vendor.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        manifest = {}
        for name in _FILES:
            source = self._modules / name
            manifest[source.name] = _place(draft, source.name, source.read_bytes())
        manifest["icons.svg"] = _place(draft, "icons.svg", self._sprite().encode())
        (draft / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
        (draft / _STAMP).write_text(self._wanted())
        shutil.rmtree(self._target, ignore_errors=True)
        draft.rename(self._target)

    def _sprite(self) -> str:
        names = self._icons.read_text().split()
        symbols = [_symbol(name, self._modules / f"@tabler/icons/icons/outline/{name}.svg") for name in names]
        return "\n".join(['<svg xmlns="http://www.w3.org/2000/svg">', *symbols, "</svg>"]) + "\n"

    def _wanted(self) -> str:
        parts = (self._checkout / "package-lock.json", self._icons, Path(__file__))
        return hashlib.sha256(b"\0".join(part.read_bytes() for part in parts)).hexdigest()


def _place(folder: Path, name: str, content: bytes) -> str:
    """Write a file under its name with the hash before the ending, and return that name."""
    stem, dot, ending = name.rpartition(".")
    hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}{dot}{ending}"
    (folder / hashed).write_bytes(content)
    return hashed


def _symbol(name: str, source: Path) -> str:
    if not source.exists():
        raise StackError(f"app/web/icons.txt names the icon {name}, which @tabler/icons does not have.")
    drawing = re.search(r"<svg[^>]*>(.*)</svg>", source.read_text(), re.DOTALL)
    # The first path of each is an invisible square.
    inside = re.sub(r'<path stroke="none"[^>]*/>', "", " ".join(drawing[1].split())) if drawing else ""
    return (
        f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="{_STROKE}" '
        f'stroke-linecap="round" stroke-linejoin="round">{inside}</symbol>'
    )
