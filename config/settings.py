"""Every setting of the installation, read once from the environment and checked at start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ENVIRONMENTS = ("development", "test", "production")
# A key shorter than its own MAC output weakens HMAC-SHA-256 (RFC 2104 §3).
MIN_SECRET_BYTES = 32
_POSTGRES = ("postgresql", "postgres")
_DATABASE = re.compile(r"[a-z][a-z0-9]{0,30}")


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """The ways into one database: the web's login, the workers' and, where schemas are made, the migrator's."""

    web: str = field(repr=False)
    worker: str | None = field(repr=False)
    admin: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of one process. Immutable; build it with `from_env`."""

    env: str
    secret_key: str = field(repr=False)
    base_url: str
    port: int
    data_dir: Path
    database_url: str = field(repr=False)
    database_admin_url: str | None = field(repr=False)
    worker_database_url: str | None = field(repr=False)
    redis_url: str = field(repr=False)
    s3_endpoint_url: str | None
    s3_bucket: str
    aws_access_key_id: str = field(repr=False)
    aws_secret_access_key: str = field(repr=False)
    aws_region: str
    smtp_url: str = field(repr=False)
    mail_from: str
    mailbox_url: str | None
    # Where Stripe is, when it is not the real one.
    stripe_api_base: str | None
    pool_size: int
    pools: int
    spares: int
    proxy_hops: int
    trial_days: int
    # Databases beside `main` that tenants can be placed on, by name.
    further_databases: tuple[tuple[str, DatabaseUrls], ...] = ()
    # True where the databases are Citus coordinators: dedicated schemas are then distributed.
    distributed: bool = False
    # Dedicated schemas of one database: where to warn, and where to refuse.
    dedicated_warn: int = 2000
    dedicated_limit: int = 3000
    # Memory that one running job may have, in MB; 0 for any amount.
    job_memory_mb: int = 1024

    @property
    def databases(self) -> dict[str, DatabaseUrls]:
        """Every database by name; `main` holds the control schema and is always there."""
        main = DatabaseUrls(self.database_url, self.worker_database_url, self.database_admin_url)
        return {"main": main, **dict(self.further_databases)}

    @property
    def production(self) -> bool:
        """True where the strictest rules apply."""
        return self.env == "production"

    @property
    def secure(self) -> bool:
        """True when browsers reach the site by TLS, so that cookies may demand it."""
        return self.base_url.startswith("https://")

    @property
    def scheme(self) -> str:
        """`http` or `https`, as browsers see it."""
        return urlsplit(self.base_url).scheme

    @property
    def apex(self) -> str:
        """Host name of the installation without port, lower case."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def apex_port(self) -> int | None:
        """Port that browsers must name, or None when it is the scheme's own."""
        return urlsplit(self.base_url).port

    def tenant_url(self, slug: str, path: str = "/") -> str:
        """Return the absolute address of `path` in the workspace `slug`."""
        port = f":{self.apex_port}" if self.apex_port else ""
        return f"{self.scheme}://{slug}.{self.apex}{port}{path}"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Build the settings from environment variables.

        Raises SettingsError, naming the variable, when one is missing or wrong.
        """
        read = _Reader(environ)
        env = read.choice("TERRACE_ENV", ENVIRONMENTS, default="development")
        port = read.integer("PORT", default=8000, low=1, high=65535)
        settings = cls(
            env=env,
            secret_key=read.secret("SECRET_KEY"),
            base_url=read.url("BASE_URL", ("http", "https"), default=f"http://localhost:{port}").rstrip("/"),
            port=port,
            data_dir=Path(environ.get("DATA_DIR") or "var").resolve(),
            database_url=read.url("DATABASE_URL", _POSTGRES),
            database_admin_url=read.optional_url("DATABASE_ADMIN_URL", _POSTGRES),
            worker_database_url=read.optional_url("WORKER_DATABASE_URL", _POSTGRES),
            redis_url=read.url("REDIS_URL", ("redis", "rediss", "unix")),
            s3_endpoint_url=read.optional_url("S3_ENDPOINT_URL", ("http", "https")),
            s3_bucket=environ.get("S3_BUCKET") or "terrace",
            aws_access_key_id=read.text("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=read.text("AWS_SECRET_ACCESS_KEY"),
            aws_region=environ.get("AWS_REGION") or "us-east-1",
            smtp_url=read.url("SMTP_URL", ("smtp", "smtps")),
            mail_from=environ.get("MAIL_FROM") or "Terrace <no-reply@terrace.example>",
            mailbox_url=read.optional_url("MAILBOX_URL", ("http", "https")),
            stripe_api_base=read.optional_url("STRIPE_API_BASE", ("http", "https")),
            pool_size=read.integer("DB_POOL_SIZE", default=8, low=1, high=200),
            pools=read.integer("POOLS", default=2, low=1, high=99),
            spares=read.integer("SPARES", default=2, low=0, high=50),
            proxy_hops=read.integer("PROXY_HOPS", default=0, low=0, high=5),
            trial_days=read.integer("TRIAL_DAYS", default=14, low=1, high=365),
            further_databases=tuple((name, read.database(name)) for name in read.names("FURTHER_DATABASES")),
            distributed=read.choice("DATABASE_ENGINE", ("postgresql", "citus"), default="postgresql") == "citus",
            dedicated_warn=read.integer("DEDICATED_WARN", default=2000, low=1, high=100_000),
            dedicated_limit=read.integer("DEDICATED_LIMIT", default=3000, low=1, high=100_000),
            job_memory_mb=read.integer("JOB_MEMORY_MB", default=1024, low=0, high=1_000_000),
        )
        settings._refuse_unsafe()
        return settings

    def _refuse_unsafe(self) -> None:
        if not self.production:
            return
        if not self.secure:
            raise SettingsError("BASE_URL must start with https:// in production; session cookies need TLS.")
        if self.mailbox_url:
            raise SettingsError("MAILBOX_URL shows all mail to everyone; unset it in production.")
        if (self.stripe_api_base or "https://").startswith("http://"):
            raise SettingsError(
                "STRIPE_API_BASE must start with https:// in production, or be unset for Stripe itself."
            )


@dataclass(frozen=True, slots=True)
class _Reader:
    environ: Mapping[str, str]

    def text(self, name: str) -> str:
        value = self.environ.get(name, "").strip()
        if not value:
            raise SettingsError(f"{name} is missing; set it, or start with `make run`, which does.")
        return value

    def secret(self, name: str) -> str:
        value = self.text(name)
        if len(value.encode()) < MIN_SECRET_BYTES:
            raise SettingsError(f"{name} is too short; use at least {MIN_SECRET_BYTES} random bytes.")
        return value

    def choice(self, name: str, choices: tuple[str, ...], *, default: str) -> str:
        value = self.environ.get(name) or default
        if value not in choices:
            raise SettingsError(f"{name} is {value!r}; it must be one of {', '.join(choices)}.")
        return value

    def integer(self, name: str, *, default: int, low: int, high: int) -> int:
        raw = self.environ.get(name) or str(default)
        if not re.fullmatch(r"-?[0-9]{1,9}", raw) or not low <= int(raw) <= high:
            raise SettingsError(f"{name} is {raw!r}; it must be a whole number from {low} to {high}.")
        return int(raw)

    def names(self, name: str) -> tuple[str, ...]:
        found = tuple(part.strip() for part in (self.environ.get(name) or "").split(",") if part.strip())
        wrong = [each for each in found if not _DATABASE.fullmatch(each) or each == "main" or found.count(each) > 1]
        if wrong:
            raise SettingsError(
                f"{name} names {wrong[0]!r}; use different short names of lower-case letters and digits, never main."
            )
        return found

    def database(self, name: str) -> DatabaseUrls:
        end = f"_{name.upper()}"
        return DatabaseUrls(
            self.url(f"DATABASE_URL{end}", _POSTGRES),
            self.optional_url(f"WORKER_DATABASE_URL{end}", _POSTGRES),
            self.optional_url(f"DATABASE_ADMIN_URL{end}", _POSTGRES),
        )

    def optional_url(self, name: str, schemes: tuple[str, ...]) -> str | None:
        return self.url(name, schemes) if self.environ.get(name) else None

    def url(self, name: str, schemes: tuple[str, ...], *, default: str | None = None) -> str:
        value = self.environ.get(name) or default or self.text(name)
        parts = urlsplit(value)
        if parts.scheme not in schemes or not (parts.netloc or parts.path):
            wanted = " or ".join(f"{s}://…" for s in schemes)
            raise SettingsError(f"{name} is not an address this setting takes; write it as {wanted}.")
        return value
