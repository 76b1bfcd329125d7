"""What the database needs before the programs start: roles, schemas, and on the first start a demo workspace."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from stack.errors import StackError
from stack.folder import DataFolder
from stack.postgres import Postgres
from tenants.bootstrap import LOGINS, OldServer, bootstrap

# What decides the roles and schemas: while none of it has changed, an embedded database needs no second look.
_SOURCES = ("migrations", "tenants", "config/tiers.toml", "app/modules.py")


def demo_password(folder: DataFolder) -> str:
    """Return the password of the demo workspace's owner."""
    return folder.passwords.get("demo")[:16]


class Database:
    """The database of one run."""

    def __init__(self, folder: DataFolder, checkout: Path, postgres: Postgres | None) -> None:
        """Know the embedded server, or that there is none."""
        self._folder = folder
        self._checkout = checkout
        self._postgres = postgres
        # Beside the cluster, so that they go when it goes.
        self._prepared = folder.root / "postgres-prepared"
        self._seeded = folder.root / "postgres-seeded"

    def prepare(self, env: Mapping[str, str]) -> None:
        """Make roles, migrate and seed as far as there is anything to do. Raises StackError."""
        if self._postgres is None:
            self._flask(env, "tenants", "migrate")
            return
        wanted = self._fingerprint()
        if not self._prepared.exists() or self._prepared.read_text() != wanted:
            self._make_roles(env["DATABASE_SUPERUSER_URL"], self._postgres)
            self._flask(env, "tenants", "migrate")
            self._prepared.write_text(wanted)
        if not self._seeded.exists():
            self._flask({**env, "DEMO_PASSWORD": demo_password(self._folder)}, "tenants", "seed-demo")
            self._seeded.touch()

    def _make_roles(self, superuser_url: str, postgres: Postgres) -> None:
        try:
            bootstrap(superuser_url, {login: postgres.password(login) for login in LOGINS})
        except OldServer as error:
            raise StackError(f"{error} TERRACE_PG_BIN may name a newer one.") from error

    def _flask(self, env: Mapping[str, str], *words: str) -> None:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
        done = subprocess.run(
            command,
            cwd=self._checkout,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise StackError("\n".join([f"`flask {' '.join(words)}` failed:", *said[-12:]]))

    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for path in _files(self._checkout):
            digest.update(str(path.relative_to(self._checkout)).encode() + b"\0" + path.read_bytes())
        for models in sorted(self._checkout.glob("app/**/models.py")):
            digest.update(models.read_bytes())
        return digest.hexdigest()


def _files(checkout: Path) -> Iterator[Path]:
    for source in _SOURCES:
        place = checkout / source
        yield from sorted(place.rglob("*.py")) if place.is_dir() else [place]
