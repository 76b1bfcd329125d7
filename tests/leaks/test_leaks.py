"""A few defects that are quick to catch, so that the whole of `make test-leaks` stays in working order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.leaks.__main__ import DEFECTS, main, run, table

QUICK = (3, 13, 33)


@pytest.mark.slow
def test_seeded_defects_are_caught() -> None:
    """Each by the first suite that it names."""
    chosen = [replace(d, suites=d.suites[:1], layers=1) for d in DEFECTS if d.number in QUICK]
    outcomes = run(chosen, at_once=1)
    assert [outcome.is_good for outcome in outcomes] == [True] * len(QUICK), table(outcomes)


def test_the_catalogue_is_long_enough_and_every_number_is_there_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) >= 30
    assert len({d.number for d in DEFECTS}) == len(DEFECTS)
