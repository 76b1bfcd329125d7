"""Structured logs: one JSON object a line, with the field names of the operations contract (S4-70)."""

from __future__ import annotations

import contextvars
import logging
import sys
from datetime import UTC, datetime
from typing import Any

import orjson
from prometheus_client import Counter
from typing_extensions import override

# Log fields only: nothing reads a decision from here.
_fields: contextvars.ContextVar[dict[str, Any]] = contextvars.ContextVar("log_fields", default={})  # noqa: B039

_DROPPED = Counter("terrace_log_lines_dropped", "Log lines that standard error did not take.")

_STANDARD = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "taskName", "asctime"}


def bind_log_fields(**fields: Any) -> contextvars.Token[dict[str, Any]]:
    """Add fields (tenant_id, request_id, …) to every log line of this context; returns the token for `reset`."""
    return _fields.set({**_fields.get(), **fields})


def begin_log_fields(**fields: Any) -> None:
    """Start anew with these fields: server threads live on, and the last request's tenant must not be on this one's."""
    _fields.set(fields)


def reset_log_fields(token: contextvars.Token[dict[str, Any]]) -> None:
    """Take back what `bind_log_fields` added."""
    _fields.reset(token)


class JsonFormatter(logging.Formatter):
    """Render a record as one line of JSON; control characters are escaped, so a value cannot forge a line."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields.get(),
            **{k: v for k, v in record.__dict__.items() if k not in _STANDARD},
        }
        if record.exc_info and record.exc_info[0]:
            # The type and the frames, never the text: driver messages carry values of rows.
            line["exception"] = record.exc_info[0].__name__
            line["trace"] = _frames(record.exc_info[2])
        return orjson.dumps(line, default=str).decode()


def _frames(tb: Any) -> list[str]:
    frames = []
    while tb:
        frames.append(f"{tb.tb_frame.f_code.co_filename}:{tb.tb_lineno} {tb.tb_frame.f_code.co_name}")
        tb = tb.tb_next
    return frames[-12:]


class _Stderr(logging.StreamHandler[Any]):
    """Standard error, which may be on a full disk: lines are then dropped and counted, and nobody fails for them."""

    _lost = 0

    @override
    def emit(self, record: logging.LogRecord) -> None:
        before = self._lost
        super().emit(record)
        if before and self._lost == before:
            self._lost = 0
            super().emit(_told_of(before))

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exception(), OSError):
            return super().handleError(record)
        self._lost += 1
        _DROPPED.inc()
        return None


def _told_of(lost: int) -> logging.LogRecord:
    told = {"name": __name__, "levelname": "WARNING", "msg": "Log lines were dropped", "lines": lost}
    return logging.makeLogRecord(told)


def configure_logging(level: str = "INFO") -> None:
    """Send every logger's lines to standard error as JSON."""
    handler = _Stderr(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("botocore", "boto3", "urllib3", "s3transfer", "rq.worker", "alembic"):
        logging.getLogger(noisy).setLevel("WARNING")
