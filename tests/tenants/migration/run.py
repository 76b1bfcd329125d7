"""A run in a process of its own, so that it can be killed: `python -m tests.tenants.migration.run URL FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from tenants.history import TENANT_HISTORY, History
from tenants.migrate import migrate_all
from tenants.migration.options import Options, Silent
from tenants.migration.plan import Plan


class Herald(Silent):
    """Says when the moving begins."""

    def planned(self, plan: Plan) -> None:
        """Say it."""
        print("begins", flush=True)


if __name__ == "__main__":
    history = History((*TENANT_HISTORY.folders, Path(sys.argv[2])))
    report = migrate_all(sys.argv[1], pools=2, history=history, options=Options(canary=0), watch=Herald())
    sys.exit(0 if report.complete else str(report))
