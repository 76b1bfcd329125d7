"""What a tenant has outside the database: mails, objects and keys in Redis, told as rows and taken away again."""

from __future__ import annotations

import email
import email.policy
import gzip
import re
from collections.abc import Iterator
from typing import Any

from app.files.gateway import file_store
from app.kit.keys import tenant_key
from tenants.tenant import Tenant
from tests.isolation import sinks
from tests.isolation.street import Street

Row = tuple[str, dict[str, Any]]
# Counts of requests, which are kept for a minute only.
_VOLATILE = frozenset({"rate"})
# The secret in a link; names and ids are shorter.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40,}")


class Traces:
    """The traces of one tenant since the last beginning."""

    def __init__(self, street: Street, tenant: Tenant) -> None:
        settings = street.world.runtime.settings
        self._tenant = tenant
        self._redis: Any = street.world.runtime.redis
        self._store = file_store(settings)
        self._bucket = settings.s3_bucket
        self._mails = settings.data_dir.parent / "mail" / "new"
        self._before = self._now = self._objects()
        self._seen = self._arrived()

    def begin_anew(self) -> None:
        """Take away what was found since the last beginning."""
        for key in self._now.keys() - self._before.keys():
            self._store.delete(key)
        for key in self._keys():
            self._redis.delete(key)
        self._seen = self._arrived()

    def rows(self) -> Iterator[Row]:
        """Yield each mail in the name of the tenant, each object that came, changed or went, and each key."""
        for name in sorted(self._arrived() - self._seen):
            mail = self._mail(name)
            if self._tenant.slug in str(mail) or self._tenant.company_name in str(mail):
                yield "mail", mail
        yield from self._changed()
        for key in self._keys():
            yield "redis", {"name": key, "value": sinks.redis_value(self._redis, key.encode())}

    def _arrived(self) -> set[str]:
        return {path.name for path in self._mails.iterdir()} if self._mails.is_dir() else set()

    def _mail(self, name: str) -> dict[str, Any]:
        message = email.message_from_bytes((self._mails / name).read_bytes(), policy=email.policy.default)
        body = message.get_body(("plain",))
        text = _TOKEN.sub("<token>", str(body.get_content())) if body else ""
        said = {name: str(message[name]) for name in ("Delivered-To", "From", "Subject")}
        return {**said, "text": text}

    def _objects(self) -> dict[str, str]:
        """Return every object of the tenant with the digest that the store gives it."""
        found: dict[str, str] = {}
        pages = self._store._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=f"tenant/{self._tenant.id}/"):
            found |= {entry["Key"]: entry["ETag"] for entry in page.get("Contents", ())}
        return found

    def _changed(self) -> Iterator[Row]:
        self._now = self._objects()
        for key in sorted(self._before.keys() | self._now.keys()):
            if self._before.get(key) == self._now.get(key):
                continue
            what = "gone" if key not in self._now else "changed" if key in self._before else "new"
            content = b"".join(self._store.read(key)) if key in self._now else b""
            if content[:2] == b"\x1f\x8b":
                content = gzip.decompress(content)
            yield "object", {"what": what, "class": key.split("/")[2], "content": content.decode("utf-8", "replace")}

    def _keys(self) -> list[str]:
        scope = tenant_key(self._tenant.id, "")
        keys = [key.decode() for key in self._redis.scan_iter(match=f"{scope}*", count=1000)]
        return sorted(key for key in keys if key.removeprefix(scope) not in _VOLATILE)
