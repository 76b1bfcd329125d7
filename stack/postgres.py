"""The embedded PostgreSQL server."""

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql
from typing_extensions import override

from stack import binaries
from stack.errors import StackError
from stack.folder import DataFolder
from stack.launcher import Launcher
from stack.process import Process
from stack.way import Way, choose

DATABASE = "terrace"
# What the application and its parts log in as; the superuser is for making these, and for nothing else.
LOGINS = {
    "DATABASE_URL": "terrace_app",
    "WORKER_DATABASE_URL": "terrace_worker",
    "DATABASE_ADMIN_URL": "terrace_migrator",
}
_SUPERUSER = "postgres"
_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_preload_libraries": "pg_stat_statements",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Neither a statement's values nor a row that broke a rule reach the log: they are tenants' data.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_min_duration_statement": "500",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
# For data that nobody wants back after a power cut.
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class Postgres(Launcher):
    """PostgreSQL on a port of its own, with data checksums and passwords for everyone."""

    def __init__(self, folder: DataFolder, *, fast: bool = False) -> None:
        """Choose nothing yet; `fast` gives up safety against power cuts, for tests."""
        self._folder = folder
        self._fast = fast
        self._base = folder.root / "postgres"
        self._data = self._base / "data"
        self._port = 0
        self.process = Process("postgres", run=folder.run, logs=folder.logs, stop_signal=signal.SIGINT, patience=20)

    @override
    def start(self) -> None:
        """Make the cluster at the first start, and start the server. Raises StackError."""
        self.process.end_leftover()
        programs = binaries.postgres()
        way = choose(self._base, programs / "postgres")
        if not (self._data / "PG_VERSION").exists():
            self._make_cluster(programs, way)
        self._port = self._folder.ports.get("postgres")
        settings = {**_SETTINGS, **(_FAST if self._fast else {}), "port": str(self._port)}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [programs / "postgres", "-D", self._data, *flags]
        self.process.start(command, env=_ENV, cwd=self._base, login=way.login, wrap=way.wrap)

    @override
    def wait_ready(self) -> None:
        """Return when a log-in succeeds and the database exists. Raises StackError."""
        self.process.wait_until(self._answers, timeout=120)
        with psycopg.connect(self.url(_SUPERUSER, "postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    @override
    def env(self) -> dict[str, str]:
        """Return the superuser's URL and those of the log-ins that the application makes with it."""
        urls = {variable: self.url(login) for variable, login in LOGINS.items()}
        return {"DATABASE_SUPERUSER_URL": self.url(_SUPERUSER), **urls}

    def url(self, login: str, database: str = DATABASE) -> str:
        """Return the URL of a database for one log-in."""
        return f"postgresql://{login}:{self.password(login)}@127.0.0.1:{self._port}/{database}"

    def password(self, login: str) -> str:
        """Return the password kept for a log-in."""
        return self._folder.passwords.get(login)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(_SUPERUSER, "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _make_cluster(self, programs: Path, way: Way) -> None:
        secret = self._base / "superuser"
        secret.touch(mode=0o600)
        secret.write_text(self.password(_SUPERUSER))
        if way.login:
            os.chown(secret, way.login.uid, way.login.gid)
        command: list[str | Path] = [
            programs / "initdb",
            "-D",
            self._data,
            "-U",
            _SUPERUSER,
            f"--pwfile={secret}",
            "--encoding=UTF8",
        ]
        command += ["--auth=scram-sha-256", "--data-checksums", *_locale(programs)]
        command += ["--no-sync"] if self._fast else []
        try:
            way.run(command, cwd=self._base, env=_ENV)
        except subprocess.CalledProcessError as error:
            raise StackError(f"PostgreSQL could not make its data folder {self._data}:\n{error.stdout}") from error
        finally:
            secret.unlink()


def _locale(programs: Path) -> Sequence[str]:
    """Return initdb's locale arguments: the builtin provider where the server has it (17 and later)."""
    said = subprocess.run([programs / "initdb", "--version"], capture_output=True, text=True, check=True).stdout
    major = re.search(r"(\d+)", said)
    if major and int(major[1]) >= 17:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]
