"""A few defects that are quick to catch, so that the whole of `make test-leaks` stays in working order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.leaks.__main__ import DEFECTS, main, run, run_suites, table
from tests.leaks.defects import Defect

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


# A tree of suites as small as they can be: what they say is all that matters here.
SUITES = {
    "test_catches.py": "def test_it():\n    assert False",
    "test_sees_nothing.py": "def test_it():\n    pass",
    "test_cannot_begin.py": "import pytest\n@pytest.fixture\ndef room():\n    raise OSError('no room')\n"
    "def test_it(room):\n    pass",
    "test_cannot_be_read.py": "import nowhere_to_be_found",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a tree with these suites and the plugin."""
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "leaks").symlink_to(Path(__file__).parent)
    for name, text in SUITES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_suite_whose_fixtures_fail_is_not_taken_for_one_that_noticed_nothing(tree: Path) -> None:
    outcome = run_suites(Defect(0, "some see it, some cannot look", (), tuple(SUITES)), tree)
    assert list(outcome.by_suite.values()) == ["test_it", "", "", ""]
    assert set(outcome.broken) == {"test_cannot_begin.py", "test_cannot_be_read.py"}
    assert "test_cannot_begin.py is broken: test_it: OSError: no room" in outcome.trouble
    assert "nowhere_to_be_found" in outcome.broken["test_cannot_be_read.py"]
    assert outcome.caught == outcome.defect.layers
    assert not outcome.is_good
    assert table([outcome]).count("BROKEN") == 2


def test_where_building_the_world_may_fail_that_is_a_catch(tree: Path) -> None:
    outcome = run_suites(Defect(0, "nobody gets in", (), ("test_cannot_begin.py",), at_setup=True), tree)
    assert (outcome.is_good, outcome.caught, outcome.trouble) == (True, 1, "")
