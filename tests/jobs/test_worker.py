"""Starting the background processes wrongly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("arguments", "change", "sentence"),
    [
        (["everything"], {}, "Use: python worker.py [jobs|relay]"),
        ([], {"WORKERS": "many"}, "WORKERS is 'many'; it must be a whole number from 1 to 64."),
        ([], {"REDIS_URL": ""}, "REDIS_URL is missing"),
    ],
)
def test_a_wrong_start_is_one_sentence(arguments: list[str], change: dict[str, str], sentence: str) -> None:
    command = [sys.executable, "worker.py", *arguments]
    ended = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **change}, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith(sentence)
    assert ended.stderr.count("\n") == 1
