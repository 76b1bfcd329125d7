"""Programs whose clock is wrong, beside servers whose clock is right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.chaos.site import Site

_NAMES = ("LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC", "NO_FAKE_STAT")


@contextmanager
def shifted(site: Site, seconds: int, *, web: bool = True) -> Iterator[None]:
    """Run the programs of `site`, or its workers alone, with a clock that is `seconds` ahead while the block runs.

    As on a machine whose time was set wrongly: what counts seconds (the monotonic clock) still goes right.
    """
    found = find_spec("libfaketime")
    assert found is not None
    assert found.origin is not None
    library = Path(found.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"
    wrong = dict(zip(_NAMES, (str(library), f"{seconds:+}s", "1", "1"), strict=True))
    site.env.update(wrong)
    try:
        _start_again(site, web=web)
        yield
    finally:
        for name in wrong:
            del site.env[name]
        _start_again(site, web=web)


def _start_again(site: Site, *, web: bool) -> None:
    site.worker.process.stop()
    site.start_worker()
    if web:
        site.start_web()
        site.web.wait_ready()
