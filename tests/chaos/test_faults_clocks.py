"""Clocks that differ from the database's: work starts in time, nothing is swept early, and the operator is told."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from app.accounts.models import LoginSession
from app.accounts.module import module as accounts
from app.files import service as files
from app.files.jobs import SWEEP
from app.files.models import FileObject
from app.kit.clock import utcnow
from app.kit.desk import Job
from app.kit.jobs.ledger import database_now
from app.kit.jobs.queueing import enqueue_platform
from tests.chaos.clocks import shifted
from tests.chaos.site import CHECKOUT, Site, eventually
from tests.chaos.town import Town

ALARM = b"The clocks of this machine and the database differ"
# What a job may wait when nothing is wrong, on a busy machine (seconds): far less than the clocks differ.
SOON = 45.0


def _log(site: Site) -> bytes:
    return site.worker.process.log.read_bytes()


@pytest.mark.parametrize("seconds", [90, -90, 300, -300])
def test_f25_programs_and_database_differ(site: Site, seconds: int) -> None:
    said = len(_log(site))
    with shifted(site, seconds):
        town = Town(site).settle(("premium", "enterprise"))
        with town.busy() as record:
            time.sleep(3)
        took = town.audit(recovery=SOON)
        eventually(lambda: ALARM in _log(site)[said:], within=10, what="the alarm")
    assert set(record.statuses()) <= {200, 201, 202}, record.statuses()
    print(f"{seconds:+} s", dict(record.statuses()), f"background after {took:.1f} s")


def test_f25_a_worker_that_is_a_day_ahead_sweeps_nothing_early(site: Site, town: Town) -> None:
    tenant = town.houses[0].tenant
    with site.runtime.tenant(tenant) as ctx:
        ended = update(LoginSession).where(LoginSession.tenant_id == tenant.id)
        ctx.db.execute(ended.values(revoked_at=utcnow(), revoke_reason="signed_out"))
        file = files.register(ctx, class_="export", name="x.csv", media_type="text/csv")
        files.finish(ctx, file_id=file.id, size=0, sha256="", keep=timedelta(hours=6))
    with shifted(site, 24 * 3600, web=False):
        with site.runtime.control() as session:
            jobs = [
                enqueue_platform(session, site.runtime.jobs.get(kind), now=utcnow())
                for kind in (SWEEP.kind, accounts.schedules[0].kind, "jobs.sweep")
            ]
        eventually(lambda: _ended(site, jobs), within=SOON, what="the end of the sweeps")
    with site.runtime.tenant(tenant) as ctx:
        assert ctx.db.scalar(select(func.count()).select_from(LoginSession)) == 1
        assert ctx.db.scalars(select(FileObject.state)).all() == ["ready"]
    with site.runtime.platform() as session:
        slots = session.scalars(select(Job.dedupe_key).where(Job.dedupe_key.startswith("slot:"))).all()
        now = database_now(session).isoformat()
    assert slots
    assert max(str(slot).split(":", 2)[2] for slot in slots) <= now


def test_f25_the_doctor_says_how_far_a_clock_is_off(site: Site) -> None:
    doctor = [sys.executable, "-m", "flask", "--app", "wsgi", "tenants", "doctor", "--no-counters"]
    with shifted(site, 90):
        done = subprocess.run(doctor, cwd=CHECKOUT, env=site.env, capture_output=True, text=True, check=False)
    assert "WRONG  clocks agree: this machine is 90 s ahead of the database" in done.stdout
    done = subprocess.run(doctor, cwd=CHECKOUT, env=site.env, capture_output=True, text=True, check=False)
    assert "clocks" not in done.stdout


def _ended(site: Site, jobs: list[object]) -> bool:
    with site.runtime.platform() as session:
        left = select(func.count()).select_from(Job).where(Job.id.in_(jobs), Job.state != "succeeded")
        return not session.scalar(left)
