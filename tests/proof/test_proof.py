"""The proof's own report: signed, checked, and not to be changed unnoticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.proof.__main__ import main
from tests.proof.document import markdown
from tests.proof.parts import PARTS
from tests.proof.running import ROOT, source_digest
from tests.proof.signing import NotProven, verify, write


def _report(*, holds: bool = True) -> dict[str, Any]:
    part = {
        "name": "soak", "claim": "Every read shows the tenant's own row.", "tests": ["tests/soak"],
        "length": {"SOAK_CHECKS": "5"}, "seconds": 61, "holds": holds,
        "files": {"tests/soak/test_soak.py": {"passed": 6}},
        "said": ["SOAK_SEED=1: 5 checks"], "failures": [] if holds else ["test_it (call)"],
    }  # fmt: skip
    return {
        "what": "Proof", "begun_at": "2026-11-21T10:00:00+00:00", "seed": 1, "form": "full", "holds": holds,
        "source": {"commit": "abc", "sha256": source_digest()}, "versions": {"Python": "3.11"}, "machine": "two cores",
        "parts": [part],
    }  # fmt: skip


def test_a_report_is_verified_by_the_public_key_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(_report(), tmp_path)
    (tmp_path / "key.pem").unlink()
    assert verify(path, tmp_path / "key.pub") == _report()
    assert main(["verify", str(path)]) == 0
    assert "every part holds" in capsys.readouterr().out


def test_the_key_is_the_owners_to_read(tmp_path: Path) -> None:
    write(_report(), tmp_path)
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0


def test_a_report_that_does_not_hold_is_no_success(tmp_path: Path) -> None:
    path = write(_report(holds=False), tmp_path)
    assert "Not every part holds" in path.with_suffix(".md").read_text()
    assert main(["verify", str(path)]) == 1


@pytest.mark.parametrize("suffix", [".json", ".md"])
def test_a_change_is_noticed(tmp_path: Path, suffix: str) -> None:
    path = write(_report(), tmp_path)
    changed = path.with_suffix(suffix)
    changed.write_text(changed.read_text().replace("SOAK_CHECKS", "SOAK_SEEN"))
    with pytest.raises(NotProven):
        verify(path, tmp_path / "key.pub")
    assert main(["verify", str(path)]) == 1


def test_another_key_is_refused(tmp_path: Path) -> None:
    path = write(_report(), tmp_path)
    other = tmp_path / "other"
    write(_report(), other)
    with pytest.raises(NotProven):
        verify(path, other / "key.pub")


def test_the_text_is_made_of_the_values(tmp_path: Path) -> None:
    path = write(_report(), tmp_path)
    text = path.with_suffix(".md").read_text()
    assert text == markdown(json.loads(path.read_text()))
    for word in ("holds", "SOAK_CHECKS 5", "6 passed", "SOAK_SEED=1", "--seed 1"):
        assert word in text


def test_every_part_names_tests_that_exist() -> None:
    for part in PARTS:
        for name in part.tests:
            assert (ROOT / name.removeprefix("--ignore=")).exists(), name
