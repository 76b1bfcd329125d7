"""An import in words and numbers: what is said of the file, and what the job's owner reads at the end."""

from __future__ import annotations

from typing import Any

from app.imports.models import ImportRun
from app.imports.options import Options
from app.imports.spool import Spool
from app.kit.money import to_decimal

TOTAL, ROWS = "total:", "rows_"
# Where on the bar each part of the work ends: reading is quick, writing is most.
FETCHED, READ, WRITTEN = 0.05, 0.15, 0.95


def file_notes(run: ImportRun, spool: Spool) -> list[str]:
    """Return sentences about the file as a whole."""
    options = Options.of(run.options)
    notes = []
    if "currency" not in run.mapping:
        notes.append(f"The file names no currency; prices were read as {options.currency}.")
    if "placed_at" in run.mapping:
        order = "month first" if options.month_first else "day first"
        notes.append(f"Dates without a zone were read as {options.time_zone}; dates like 01/12/2010 {order}.")
    if run.retry_of is not None:
        notes.append("Only the rows that were not imported before were read.")
    if spool.blank_rows:
        notes.append(f"Rows without anything in them were passed over: {spool.blank_rows:,}.")
    repeated = spool.repeated_rows()
    if repeated and run.resource == "orders":
        notes.append(f"Rows that repeat another row of their order, kept as lines of their own: {repeated:,}.")
    return notes


def result_of(run: ImportRun) -> dict[str, Any]:
    """Return the result of the import's job."""
    return {
        "import_id": str(run.id),
        "dry_run": run.dry_run,
        "rows": rows_of(run),
        "counts": counts_of(run),
        "totals": totals_of(run),
        "import_url": f"/api/v1/imports/{run.id}",
        "page_url": f"/imports/{run.id}",
    }


def rows_of(run: ImportRun) -> dict[str, int]:
    """Return what became of the rows: read = imported + unchanged + failed, and imported = new + changed."""
    changed = int(run.counts.get("rows_changed", 0))
    return {
        "read": run.rows_read,
        "imported": run.rows_imported,
        "new": run.rows_imported - changed,
        "changed": changed,
        "unchanged": run.rows_unchanged,
        "failed": run.rows_failed,
    }


def counts_of(run: ImportRun) -> dict[str, int]:
    """Return how many things were made, changed and found as they are."""
    return {name: count for name, count in run.counts.items() if not name.startswith((TOTAL, ROWS))}


def totals_of(run: ImportRun) -> dict[str, str]:
    """Return what the new orders sum up to, by currency, as decimal text."""
    return {currency: to_decimal(minor, currency) for currency, minor in minor_totals(run).items()}


def minor_totals(run: ImportRun) -> dict[str, int]:
    """Return what the new orders sum up to, by currency, in minor units."""
    return {name.removeprefix(TOTAL): minor for name, minor in run.counts.items() if name.startswith(TOTAL)}
