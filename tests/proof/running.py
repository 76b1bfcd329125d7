"""Runs the parts of the proof, each in a process and on servers of its own, and gathers what they found."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.leaks.__main__ import DEFECTS as ALL_DEFECTS
from tests.leaks.__main__ import run as seed_defects
from tests.proof.parts import DEFECTS, DEFECTS_CLAIM, Part

ROOT = Path(__file__).parents[2]
PACKAGES = ("flask", "sqlalchemy", "psycopg", "redis", "rq", "cryptography", "joserfc", "pytest", "hypothesis")
_SEEDS = ("ISOLATION_SEED", "PROGRAM_SEED", "SOAK_SEED")
_SOURCES = ("app", "config", "migrations", "stack", "tenants", "tests")

Report = dict[str, Any]


def prove(parts: Iterable[Part], *, defects: bool, quick: bool, seed: int) -> Report:
    """Run everything and return the report as plain values."""
    report: Report = {
        "what": "Proof of isolation between tenants of Terrace",
        "begun_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "form": "quick" if quick else "full",
        "source": {"commit": _commit(), "sha256": source_digest()},
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES}
        | {"Python": platform.python_version()},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "parts": [],
    }
    for part in parts:
        print(f"{part.name}: …", flush=True)
        report["parts"].append(_run(part, quick=quick, seed=seed))
        print(f"{part.name}: {'holds' if report['parts'][-1]['holds'] else 'DOES NOT HOLD'}", flush=True)
    if defects:
        report["parts"].append(_seed(quick=quick))
    for part in report["parts"]:
        report["versions"] |= part.pop("servers", {})
    report["holds"] = bool(report["parts"]) and all(part["holds"] for part in report["parts"])
    return report


def _run(part: Part, *, quick: bool, seed: int) -> Report:
    started = time.monotonic()
    length = part.quick if quick else part.full
    with tempfile.TemporaryDirectory(prefix="terrace-proof-") as folder:
        told = Path(folder) / "report.json"
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "DATABASE"))}
        environment |= dict.fromkeys(_SEEDS, str(seed)) | dict(length) | {"PROOF_REPORT": str(told)}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.proof.plugin", "--timeout=7200", *part.tests]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        found: Report = json.loads(told.read_text()) if told.exists() else {"failures": [done.stdout[-2000:]]}
    files = found.get("files", {})
    return {
        "name": part.name,
        "claim": part.claim,
        "tests": list(part.tests),
        "length": dict(length),
        "seconds": round(time.monotonic() - started),
        "holds": done.returncode == 0 and bool(files),
        "files": {name: dict(sorted(counts.items())) for name, counts in sorted(files.items())},
        "said": found.get("said", []),
        "failures": found["failures"],
        "servers": found.get("servers", {}),
    }


def _seed(*, quick: bool) -> Report:
    """Put every known defect into a copy of the code, three quick ones in the short form."""
    started = time.monotonic()
    outcomes = seed_defects([d for d in ALL_DEFECTS if not quick or d.number in (3, 33)], at_once=2)
    return {
        "name": DEFECTS,
        "claim": DEFECTS_CLAIM,
        "tests": ["python -m tests.leaks"],
        "length": {"defects": str(len(outcomes))},
        "seconds": round(time.monotonic() - started),
        "holds": all(outcome.is_good for outcome in outcomes),
        "files": {},
        "said": [
            f"{o.defect.number} {o.defect.name}: "
            + (", ".join(f"{suite} by {test}" for suite, test in o.by_suite.items() if test) or "not caught")
            for o in outcomes
        ],
        "failures": [f"{o.defect.number} {o.defect.name} {o.trouble}".strip() for o in outcomes if not o.is_good],
    }


def source_digest() -> str:
    """Return one hash of every Python, SQL and TOML file, so that a reviewer knows what was proven."""
    whole = hashlib.sha256()
    for path in sorted(
        p for folder in _SOURCES for p in (ROOT / folder).rglob("*") if p.suffix in (".py", ".sql", ".toml")
    ):
        whole.update(f"{path.relative_to(ROOT)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
