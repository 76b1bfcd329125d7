"""From a host name or a tenant id to the tenant. Cached in process for seconds, dropped at once on a version bump."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any
from uuid import UUID

from redis import Redis, RedisError
from sqlalchemy import ColumnElement, ScalarSelect, select

from app.kit.clock import utcnow
from config.settings import Settings
from tenants.databases import Databases
from tenants.errors import NoSuchTenant
from tenants.models import Host, Placement, TenantRecord, TierOverride
from tenants.sessions import ControlSession
from tenants.slugs import SLUG
from tenants.tenant import Tenant
from tenants.tiers import tiers

log = logging.getLogger(__name__)

# With Redis down this alone bounds how long a stale tenant is served (seconds).
TTL = 5.0
# Hosts that nobody has are remembered briefly, so that a scan costs no database time.
MISS_TTL = 2.0
MAX_ENTRIES = 20_000
CHANNEL = "terrace:tenant-changed"
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def normal_host(raw: str | None) -> str | None:
    """Return the host of a `Host` header in its one form (lower case, no port, no trailing dot), or None.

    None stands for everything that can name no tenant: empty, too long, an IPv6 literal, wrong characters.
    """
    if not raw or len(raw) > 260:
        return None
    host, colon, port = raw.strip().lower().partition(":")
    if colon and not (port.isascii() and port.isdigit() and int(port) <= 65535):
        return None
    host = host.removesuffix(".")
    if len(host) > 253 or not _HOST.fullmatch(host):
        return None
    return host


class Resolver:
    """Finds tenants for requests and jobs."""

    def __init__(self, settings: Settings, databases: Databases, redis: Redis) -> None:
        self._apex = settings.apex
        self._databases = databases
        self._redis = redis
        self._lock = threading.Lock()
        self._cache: OrderedDict[str, tuple[float, Tenant | None]] = OrderedDict()
        self._loading: dict[str, Future[Tenant | None]] = {}
        self._listener: threading.Thread | None = None
        # Off in a process that forks: a fork copies the thread's locks without the thread.
        self.follows = True
        self.hits = 0
        self.misses = 0

    def is_apex(self, host: str | None) -> bool:
        """Say whether `host` (in normal form) is the installation's own."""
        return host == self._apex

    def by_host(self, host: str | None) -> Tenant:
        """Return the tenant that lives at `host` (in normal form).

        Raises NoSuchTenant, alike for every host that names none.
        """
        if host is None:
            raise NoSuchTenant
        slug = host.removesuffix("." + self._apex) if host.endswith("." + self._apex) else None
        if slug is not None:
            if not SLUG.fullmatch(slug):
                raise NoSuchTenant
            return self._get(f"slug:{slug}", lambda: TenantRecord.slug == slug)
        return self._get(f"host:{host}", lambda: TenantRecord.id == _owner_of(host))

    def by_id(self, tenant_id: UUID) -> Tenant:
        """Return the tenant with this id.

        Raises NoSuchTenant when there is none.
        """
        return self._get(f"id:{tenant_id}", lambda: TenantRecord.id == tenant_id)

    def by_slug(self, slug: str) -> Tenant:
        """Return the tenant with this slug.

        Raises NoSuchTenant when there is none.
        """
        if not SLUG.fullmatch(slug):
            raise NoSuchTenant
        return self._get(f"slug:{slug}", lambda: TenantRecord.slug == slug)

    def forget(self, tenant_id: UUID) -> None:
        """Drop what this process remembers of the tenant, and of hosts that were nobody's."""
        with self._lock:
            stale = [k for k, (_, t) in self._cache.items() if t is None or t.id == tenant_id]
            for key in stale:
                del self._cache[key]
            # What is being read may have been read before the change.
            self._loading.clear()

    def clear(self) -> None:
        """Drop everything that this process remembers."""
        with self._lock:
            self._cache.clear()
            self._loading.clear()

    def changed(self, tenant_id: UUID) -> None:
        """Forget the tenant here and tell every other process to. Call after the commit that changed it."""
        self.forget(tenant_id)
        try:
            self._redis.publish(CHANNEL, str(tenant_id))
        except RedisError:
            log.warning("tenant change not broadcast; caches expire by themselves", extra={"seconds": TTL})

    def _get(self, key: str, condition: Callable[[], ColumnElement[bool]]) -> Tenant:
        self._listen()
        now = time.monotonic()
        with self._lock:
            entry = self._cache.get(key)
        if entry and entry[0] > now:
            self.hits += 1
            tenant = entry[1]
        else:
            self.misses += 1
            tenant = self._find(key, condition, now)
        if tenant is None:
            raise NoSuchTenant
        return tenant

    def _find(self, key: str, condition: Callable[[], ColumnElement[bool]], now: float) -> Tenant | None:
        """Read the tenant once for all who ask meanwhile: else every thread reads a busy one when its time ends."""
        with self._lock:
            theirs, mine = self._loading.get(key), Future[Tenant | None]()
            if theirs is None:
                self._loading[key] = mine
        if theirs is not None:
            return theirs.result()
        try:
            tenant = self._load(condition())
        except BaseException as error:
            self._end(key, mine)
            mine.set_exception(error)
            raise
        self._end(key, mine, (now + (TTL if tenant else MISS_TTL), tenant))
        mine.set_result(tenant)
        return tenant

    def _end(self, key: str, loading: Future[Tenant | None], entry: tuple[float, Tenant | None] | None = None) -> None:
        """Remember what was read, unless it was to be forgotten meanwhile."""
        with self._lock:
            if self._loading.get(key) is not loading:
                return
            del self._loading[key]
            if entry is None:
                return
            self._cache[key] = entry
            self._cache.move_to_end(key)
            while len(self._cache) > MAX_ENTRIES:
                self._cache.popitem(last=False)

    def _load(self, condition: ColumnElement[bool]) -> Tenant | None:
        with ControlSession(self._databases.engine()) as session:
            row = session.execute(
                select(TenantRecord, Placement)
                .outerjoin(Placement, Placement.tenant_id == TenantRecord.id)
                .where(condition)
            ).first()
            if row is None:
                return None
            overrides = session.scalars(select(TierOverride).where(TierOverride.tenant_id == row[0].id)).all()
        return tenant_of(row[0], row[1], overrides)

    def _listen(self) -> None:
        if not self.follows:
            return
        if self._listener is None or not self._listener.is_alive():
            with self._lock:
                if self._listener is None or not self._listener.is_alive():
                    self._listener = threading.Thread(target=self._follow, name="tenant-changes", daemon=True)
                    self._listener.start()

    def _follow(self) -> None:
        while True:
            try:
                with self._redis.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
                    channel.subscribe(CHANNEL)
                    # What changed while nobody listened is unknown: start from nothing.
                    self.clear()
                    while True:
                        message = channel.get_message(timeout=1.0)
                        if message:
                            self.forget(UUID(message["data"].decode()))
            except (RedisError, OSError, ValueError):
                time.sleep(1)


def _owner_of(host: str) -> ScalarSelect[UUID]:
    return select(Host.tenant_id).where(Host.name == host, Host.verified_at.is_not(None)).scalar_subquery()


def tenant_of(record: TenantRecord, placement: Placement | None, overrides: Any = ()) -> Tenant:
    """Build the frozen tenant from its control rows, overrides that are still in force applied."""
    tier = tiers()[record.tier]
    now = utcnow()
    live = [o for o in overrides if o.expires_at is None or o.expires_at > now]
    return Tenant(
        id=record.id,
        slug=record.slug,
        company_name=record.company_name,
        brand_colour=record.brand_colour,
        status=record.status,
        status_reason=record.status_reason,
        tier=tier,
        isolation=placement.isolation if placement else tier.placement,
        database=placement.database if placement else "main",
        schema=placement.schema_name if placement else None,
        role=placement.role_name if placement else None,
        version=record.version,
        region=record.region,
        trial_ends_at=record.trial_ends_at,
        created_at=record.created_at,
        limits={**tier.limits, **{o.name: o.value for o in live if o.kind == "limit"}},
        features={**tier.features, **{o.name: bool(o.value) for o in live if o.kind == "feature"}},
    )
