"""The import as a job: fetch the file, read it, bring it in batch by batch, write the report.

Each batch and the note of it commit together, under the job's fence. After a kill the next attempt reads the file
again, which gives the same batches, and goes on behind the last one that was noted.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from app.files import service as files
from app.files.errors import StoreUnreachable
from app.files.gateway import FileStore, file_store
from app.files.kinds import CSV, WORKBOOK, Kind, chunks_of
from app.imports import queries, recording, report
from app.imports.importer import Importer
from app.imports.loading import load
from app.imports.models import ImportRun
from app.imports.options import Options
from app.imports.reading import Row
from app.imports.resources import importer
from app.imports.service import JOB
from app.imports.spool import Spool
from app.imports.summary import FETCHED, READ, WRITTEN, file_notes, result_of
from app.imports.tables import rows_of
from app.imports.xlsx.workbook import is_workbook
from app.kit.jobs.registry import JobSpec
from tenants.errors import LimitExceeded
from tenants.work import Work

BATCH_ROWS = 500
_ISSUES_AT_ONCE = 5_000


class PlacesTaken(Exception):
    """Others took places of the plan while a batch was on its way: the next attempt counts again."""


def run(ctx: None, work: Work, *, run_id: str) -> dict[str, Any]:
    """Run one import."""
    try:
        return _Import(work, UUID(run_id)).run()
    except StoreUnreachable:
        work.beat(step="The file store does not answer. The work goes on when it does.")
        raise
    except LimitExceeded as error:
        raise PlacesTaken from error


class _Import:
    """One attempt."""

    def __init__(self, work: Work, run_id: UUID) -> None:
        self._work = work
        self._id = run_id

    def run(self) -> dict[str, Any]:
        """Do all steps; return what the job's owner reads."""
        with self._work.transaction() as ctx:
            run = queries.get_run(ctx, run_id=self._id)
            file = files.get_file(ctx, run.file_id, class_="import")
            store = file_store(ctx.runtime.settings)
        with tempfile.TemporaryDirectory(prefix="terrace-import-") as folder, Spool() as spool:
            path = Path(folder) / "file"
            self._fetch(store, file.key, path, file.size)
            doer = importer(run.resource, Options.of(run.options), source=run.file_name, write=not run.dry_run)
            run = self._read(run, path, doer, spool)
            self._bring_in(run, doer, spool)
            return self._report(path, store)

    def _fetch(self, store: FileStore, key: str, path: Path, size: int) -> None:
        self._work.progress(0.0, "Fetching the file")
        with path.open("wb") as file:
            for chunk in store.read(key):
                file.write(chunk)
                self._work.progress(FETCHED * file.tell() / max(size, 1), "Fetching the file")

    def _read(self, run: ImportRun, path: Path, doer: Importer, spool: Spool) -> ImportRun:
        def tell(rows: int) -> None:
            # How many there are is not known before the end: the bar nears its mark, and never passes it.
            self._work.progress(FETCHED + (READ - FETCHED) * rows / (rows + 5_000), f"Reading rows, {rows:,} so far")

        only = None
        if run.retry_of is not None:
            with self._work.transaction() as ctx:
                only = queries.lost_rows(ctx, run_id=run.retry_of)
        now: datetime = run.created_at
        sheet = Options.of(run.options).sheet
        load(path, doer, run.mapping, spool, now=now, tell=tell, sheet=sheet, only=only)
        with self._work.transaction() as ctx:
            return recording.note_reading(ctx, run_id=self._id, spool=spool, notes=file_notes(run, spool))

    def _bring_in(self, run: ImportRun, doer: Importer, spool: Spool) -> None:
        total, done = spool.group_count(), run.groups_done
        # A trial writes nothing but its own notes, and must see all batches: it starts over.
        skip = 0 if run.dry_run else done
        doing = "Checking" if run.dry_run else "Importing"
        seen = skip
        for batch in spool.batches(skip=skip, rows=BATCH_ROWS):
            with self._work.transaction() as ctx:
                outcome = doer.take(ctx, batch, spool)
                if seen >= done:
                    recording.note_batch(ctx, run_id=self._id, groups=len(batch), outcome=outcome)
            seen += len(batch)
            share = READ + (WRITTEN - READ) * seen / total
            self._work.progress(share, f"{doing} {doer.thing}s, {seen:,} of {total:,}")

    def _report(self, path: Path, store: FileStore) -> dict[str, Any]:
        self._work.progress(WRITTEN, "Writing the report")
        with self._work.transaction() as ctx:
            run = queries.get_run(ctx, run_id=self._id)
            has_issues = bool(queries.issues_by_row(ctx, run_id=self._id, behind=None, limit=1))
        report_id = self._keep(run, store, "report", self._report_lines(run, path)) if has_issues else None
        failed_id = None
        if run.rows_failed:
            rows = report.failed_rows(self._rows(run, path), self._issues())
            failed_id = self._keep_failed(run, store, rows, path)
        with self._work.transaction() as ctx:
            return result_of(recording.note_end(ctx, run_id=self._id, report_id=report_id, failed_id=failed_id))

    def _rows(self, run: ImportRun, path: Path) -> Iterator[Row]:
        return rows_of(path, Options.of(run.options).sheet)

    def _report_lines(self, run: ImportRun, path: Path) -> Iterator[bytes]:
        return report.as_csv(report.report_rows(self._rows(run, path), self._issues()))

    def _keep_failed(self, run: ImportRun, store: FileStore, rows: Iterator[list[str]], path: Path) -> UUID:
        """Store the rows that were not imported, as the kind of file that they came in."""
        if not is_workbook(path):
            return self._keep(run, store, "not imported", report.as_csv(rows))
        made = path.with_name("failed.xlsx")
        report.as_workbook(rows, made)
        return self._keep(run, store, "not imported", chunks_of(made), WORKBOOK)

    def _keep(self, run: ImportRun, store: FileStore, word: str, chunks: Iterator[bytes], kind: Kind = CSV) -> UUID:
        with self._work.transaction() as ctx:
            name = f"{Path(run.file_name).stem} {word}.{kind.suffix}"
            file = files.register(ctx, class_="report", name=name, media_type=kind.media_type)
        stored = store.put(file.key, chunks, media_type=file.media_type)
        with self._work.transaction() as ctx:
            files.finish(ctx, file_id=file.id, size=stored.size, sha256=stored.sha256)
        return file.id

    def _issues(self) -> Iterator[Any]:
        """Yield all issues in the order of their rows, in transactions that are as short as one page of them."""
        last: tuple[int, UUID] | None = None
        while True:
            with self._work.transaction() as ctx:
                found = queries.issues_by_row(ctx, run_id=self._id, behind=last, limit=_ISSUES_AT_ONCE)
            yield from found
            if len(found) < _ISSUES_AT_ONCE:
                return
            last = (found[-1].row_number, found[-1].id)


SPEC = JobSpec(JOB, run, queue="bulk", transaction="many", timeout=1800, max_attempts=8, title="Import")
