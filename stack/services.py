"""Which servers a run starts itself, which are replaced by real ones, and what each program is told of them."""

from collections.abc import Mapping
from pathlib import Path

from config.settings import Settings, SettingsError
from stack.errors import StackError
from stack.folder import DataFolder
from stack.launcher import Launcher
from stack.mailbox import Mailbox
from stack.payments import Payments
from stack.postgres import Postgres
from stack.s3 import S3
from stack.valkey import Valkey

# Setting the first variable replaces a server by a real one; then the others are needed too.
_REPLACED_BY = {
    "DATABASE_URL": ("DATABASE_ADMIN_URL",),
    "REDIS_URL": (),
    "S3_ENDPOINT_URL": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "SMTP_URL": (),
    "STRIPE_API_BASE": (),
}
# Only workers and the command line may change schemas, so the web process is never told how.
_NOT_FOR_WEB = ("DATABASE_ADMIN_URL", "WORKER_DATABASE_URL", "DATABASE_SUPERUSER_URL")
_DEFAULT_PORT = 8000
# In place of what the embedded servers will say, so that a wrong setting is found before any of them starts.
_STAND_INS = {
    "SECRET_KEY": "-" * 32,
    "DATABASE_URL": "postgresql://localhost",
    "REDIS_URL": "redis://localhost",
    "AWS_ACCESS_KEY_ID": "-",
    "AWS_SECRET_ACCESS_KEY": "-",
    "SMTP_URL": "smtp://localhost",
}


class Services:
    """The servers of one run and the environment of its programs."""

    def __init__(self, environ: Mapping[str, str], folder: DataFolder) -> None:
        """Decide what is started. Raises StackError for a wrong setting, or a real server that is named by half."""
        for variable, companions in _REPLACED_BY.items():
            for companion in companions:
                if environ.get(variable) and not environ.get(companion):
                    raise StackError(f"{companion} is missing: {variable} is set, and needs it.")
        try:
            Settings.from_env({**_STAND_INS, **given(environ)})
        except SettingsError as error:
            raise StackError(str(error)) from error
        self.port = read_port(environ)
        self._environ = environ
        self._folder = folder
        self.postgres = None if environ.get("DATABASE_URL") else Postgres(folder)
        self.launchers: list[Launcher] = []
        # The slowest first: it comes up while PostgreSQL makes its cluster.
        if not environ.get("S3_ENDPOINT_URL"):
            self.launchers.append(S3(folder))
        if not environ.get("REDIS_URL"):
            self.launchers.append(Valkey(folder))
        if not environ.get("SMTP_URL"):
            self.launchers.append(Mailbox(folder))
        if not environ.get("STRIPE_API_BASE"):
            self.launchers.append(Payments(folder))
        if self.postgres:
            self.launchers.append(self.postgres)

    def env(self) -> dict[str, str]:
        """Return the environment of the command line: everything, once the servers are started."""
        env = {
            "TERRACE_ENV": "development",
            "SECRET_KEY": self._folder.passwords.get("secret-key"),
            "BASE_URL": f"http://localhost:{self.port}",
            **given(self._environ),
            "PORT": str(self.port),
            "DATA_DIR": str(self._folder.root),
        }
        for launcher in self.launchers:
            env.update(launcher.env())
        return env

    def web_env(self) -> dict[str, str]:
        """Return the environment of the web process."""
        return {name: value for name, value in self.env().items() if name not in _NOT_FOR_WEB}

    def worker_env(self) -> dict[str, str]:
        """Return the environment of the workers; even they never need the superuser."""
        return {name: value for name, value in self.env().items() if name != "DATABASE_SUPERUSER_URL"}


def given(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that say something: an empty one counts as not set."""
    return {name: value for name, value in environ.items() if value}


def read_port(environ: Mapping[str, str]) -> int:
    """Return the port of the web server. Raises StackError when PORT is not one."""
    written = environ.get("PORT") or str(_DEFAULT_PORT)
    if not written.isascii() or not written.isdigit() or not 0 < int(written) < 2**16:
        raise StackError(f"PORT is {written!r}; it must be a whole number from 1 to 65535.")
    return int(written)


def data_dir(environ: Mapping[str, str], checkout: Path) -> Path:
    """Return where this run keeps its data."""
    return Path(environ["DATA_DIR"]) if environ.get("DATA_DIR") else checkout / "var"
