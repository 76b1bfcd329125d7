"""What the code must not even say: session-level locks and settings, raw connections, other doors to the outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    path for folder in ("app", "tenants", "config", "migrations") for path in sorted((ROOT / folder).rglob("*.py"))
] + [ROOT / "worker.py", ROOT / "wsgi.py"]

# What is forbidden, and the files that may, with the reason in their own docstrings.
RULES = {
    "session-level advisory lock": (r"pg_(?:try_)?advisory_lock(?:_shared)?\b", set()),
    "set_config": (r"\bset_config\s*\(", set()),
    "session-level SET": (r"[\"']\s*SET\s+(?!LOCAL\b)(?:SESSION\s+)?(?:role|search_path|app\.)", set()),
    "raw connection": (r"\bpsycopg\.connect\(", {"tenants/bootstrap.py", "tenants/schemas.py"}),
    "engine of one's own": (r"\bcreate_engine\(", {"tenants/databases.py", "tenants/migrate.py"}),
    "pickle": (r"\b(?:import pickle|pickle\.loads|yaml\.load\()", set()),
    "COPY of a whole table": (r"COPY\s+(?!\()[a-z_{\"]+\s+TO\b", set()),
    "NOTIFY": (r"[\"']\s*(?:NOTIFY|LISTEN)\s", set()),
    "grants in bulk": (r"GRANT\s.*ON ALL TABLES IN SCHEMA", set()),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_nothing_says_it(name: str) -> None:
    pattern, allowed = RULES[name]
    said = [
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in SOURCES
        if str(path.relative_to(ROOT)) not in allowed
        for match in re.finditer(pattern, path.read_text())
        if not _is_about_refusing(path)
    ]
    assert said == []


def _is_about_refusing(path: Path) -> bool:
    """Say whether the file lists such functions in order to take them away."""
    return path.name == "bootstrap.py"


PLANTED = {
    "session-level advisory lock": 'db.execute(text("SELECT pg_advisory_lock(1)"))',
    "set_config": "SELECT set_config('app.tenant_id', :id, true)",
    "session-level SET": 'db.execute("SET search_path = t")',
    "raw connection": "psycopg.connect(url)",
    "engine of one's own": "create_engine(url)",
    "pickle": "import pickle",
    "COPY of a whole table": "COPY product TO STDOUT",
    "NOTIFY": '"LISTEN events"',
    "grants in bulk": "GRANT SELECT ON ALL TABLES IN SCHEMA x TO y",
}


@pytest.mark.parametrize("name", RULES)
def test_each_guard_finds_what_is_planted(name: str) -> None:
    assert re.search(RULES[name][0], PLANTED[name])
