"""Every place where a tenant's text can come to rest, each as (where, whose, text)."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import boto3
import requests
from botocore.config import Config
from typing_extensions import override

from config.logging import JsonFormatter
from config.settings import Settings
from tests.isolation import catalog, street
from tests.isolation.street import Street

Found = tuple[str, str, str]


@contextmanager
def log_lines() -> Iterator[list[str]]:
    """Collect every line that the application's logging would write meanwhile, down to the last detail."""
    lines: list[str] = []

    class Keep(logging.Handler):
        @override
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Keep(logging.DEBUG)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    loud = {name: logging.getLogger(name) for name in ("app", "tenants")}
    for logger in loud.values():
        logger.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        for logger in loud.values():
            logger.setLevel(logging.NOTSET)


def server_log(settings: Settings) -> str:
    """Return what PostgreSQL wrote to its log."""
    found = sorted((settings.data_dir.parent / "logs").glob("postgres*"))
    assert found, "the server's log is not where it is looked for"
    return "\n".join(path.read_text(errors="replace") for path in found)


def mails(settings: Settings) -> Iterator[Found]:
    """Yield every mail with its recipients."""
    for mail in requests.get(f"{settings.mailbox_url}/api/messages", timeout=30).json():
        yield f"mail {mail['subject']}", " ".join(mail["to"]), json.dumps(mail)


def objects(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield every object of the bucket with its text."""
    client = boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint_url,
        aws_access_key_id=settings.aws_access_key_id,
        aws_secret_access_key=settings.aws_secret_access_key,
        region_name=settings.aws_region,
        config=Config(s3={"addressing_style": "path"}),
    )
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=settings.s3_bucket):
        for entry in page.get("Contents", ()):
            answer = client.get_object(Bucket=settings.s3_bucket, Key=entry["Key"])
            with answer["Body"] as body:
                content = body.read()
            if answer.get("ContentEncoding") == "gzip" or content[:2] == b"\x1f\x8b":
                content = gzip.decompress(content)
            about = json.dumps(answer.get("Metadata", {})) + answer.get("ContentDisposition", "")
            yield entry["Key"], about + content.decode("utf-8", "replace")


def redis_keys(made: Street) -> Iterator[tuple[str, str]]:
    """Yield every key of this process's Redis database with a text of its value."""
    client: Any = made.world.runtime.redis
    for key in client.scan_iter(count=1000):
        yield key.decode("utf-8", "replace"), redis_value(client, key)


def redis_value(client: Any, key: bytes) -> str:
    """Return a text of what a key holds."""
    readers = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
    }
    kind = client.type(key)
    return repr(readers[kind](key) if kind in readers else b"")


def rows(made: Street) -> Iterator[tuple[str, UUID, str]]:
    """Yield every row of the street's tenants in every table, with its tenant."""
    ids = [n.tenant.id for n in made.neighbours.values()]
    with street.superuser(made) as above:
        schemas = {str(n.tenant.schema) for n in made.neighbours.values()} | {"desk"}
        for table in (t for schema in sorted(schemas) for t in catalog.tables(above, schema)):
            query = f"SELECT tenant_id, x::text FROM {table.label} x WHERE tenant_id = ANY(%s)"
            for tenant_id, text in above.execute(query.encode(), (ids,)):
                yield f"{table.schema}.{table.name}", tenant_id, _readable(text)


def _readable(text: str) -> str:
    """Add to a row's text what its binary columns say."""
    parts = [part for part in text.split(",") if part.startswith('"\\\\x')]
    extra = [bytes.fromhex(part.strip('"').removeprefix("\\\\x")).decode("utf-8", "replace") for part in parts]
    return " ".join([text, *extra])
