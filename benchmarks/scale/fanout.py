"""One additive release over all schemas: a column and an index, by the migration that `flask tenants migrate` runs."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.site import Site
from tenants.history import TENANT_HISTORY, History
from tenants.migrate import migrate_fleet, plan_fleet

_REVISION = '''"""A column and an index, to be measured."""

from alembic import op

from tenants.migration.declared import ConcurrentIndex

revision, down_revision, branch_labels, depends_on = "9001", "{down}", None, None


def upgrade():
    op.execute("ALTER TABLE product ADD COLUMN touched bigint DEFAULT 0 NOT NULL")


def concurrently():
    return [ConcurrentIndex("ix_product_touched", "product", ("tenant_id", "touched"))]
'''


def run(site: Site) -> list[Figure]:
    """Move every schema one revision further, and look again when there is nothing left to do."""
    urls = {"main": str(site.settings.database_admin_url)}
    pools = site.settings.pools
    with tempfile.TemporaryDirectory(prefix="terrace-scale-") as folder:
        (Path(folder) / "9001_measured.py").write_text(_REVISION.format(down=TENANT_HISTORY.head))
        history = History((*TENANT_HISTORY.folders, Path(folder)))
        began = time.perf_counter()
        report = migrate_fleet(urls, pools=pools, history=history)
        taken = time.perf_counter() - began
        if not report.complete:
            raise AssertionError(f"the run did not end: {report.stopped or report.failed}")
        began = time.perf_counter()
        plan = plan_fleet(urls, pools=pools, history=history)
        looked = time.perf_counter() - began
        if not plan.is_empty:
            raise AssertionError("something is left to do")
    moved = len(report.moved)
    return [
        Figure(f"a column and an index in {moved:,} schemas, pools among them", taken, "s"),
        Figure("the same for one schema on average", 1000 * taken / moved, "ms"),
        Figure(f"finding {moved:,} schemas at the head", looked * 1000, "ms"),
    ]
