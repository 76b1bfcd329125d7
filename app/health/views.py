"""Health and metrics, for load balancers and operators; they answer on every host and need no tenant."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from flask import Blueprint, Response, current_app, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.kit.clock import utcnow
from app.kit.jobs.ledger import database_now
from tenants.access import public
from tenants.edge import runtime
from tenants.models import SchemaVersion
from tenants.runtime import Runtime

health = Blueprint("health", __name__)

# A readiness answer is reused for this long (seconds), so that probes cannot load the database.
READY_FOR = 1.0


@dataclass(slots=True)
class _Ready:
    lock: threading.Lock = field(default_factory=threading.Lock)
    until: float = 0.0
    ok: bool = False


_ready = _Ready()


@health.get("/health")
@public("Load balancers ask without credentials", host="any", urgency=None)
def overall() -> Response:
    """Say that the process answers, with the time."""
    return jsonify(status="ok", timestamp=utcnow().isoformat())


@health.get("/health/live")
@public("Load balancers ask without credentials", host="any", urgency=None)
def live() -> Response:
    """Say that the process runs; depends on nothing."""
    return jsonify(status="ok")


@health.get("/health/ready")
@public("Load balancers ask without credentials", host="any", urgency=None)
def ready() -> Response:
    """Say whether requests can be served: the database answers and is migrated. Redis, S3 and mail may be down."""
    with _ready.lock:
        if time.monotonic() > _ready.until:
            hangs = current_app.extensions["terrace.lookouts"]["main"].hangs
            _ready.ok = not hangs and _database_answers(runtime())
            _ready.until = time.monotonic() + READY_FOR
        ok = _ready.ok
    response = jsonify(status="ok" if ok else "unavailable")
    response.status_code = 200 if ok else 503
    return response


@health.get("/metrics")
@public("Scraped on the inside; holds no tenant's data", host="any", urgency=None)
def metrics() -> Response:
    """Return the process's metrics in Prometheus' text form."""
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _database_answers(runtime: Runtime) -> bool:
    try:
        with runtime.control() as session:
            database_now(session)
            return session.scalar(select(SchemaVersion.schema_name).limit(1)) is not None
    except SQLAlchemyError:
        return False
