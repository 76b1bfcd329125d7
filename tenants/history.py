"""The two migration histories: `control` (control and desk schemas) and `tenant` (every pool and dedicated schema).

The tenant history is rendered to SQL once and then run per schema; nothing tenant-specific is in it but the role mark.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from alembic import command
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData
from sqlalchemy.dialects import postgresql

from app.kit.db import TenantBase
from tenants.migration.declared import ConcurrentIndex, Work

_ROOT = Path(__file__).parent.parent / "migrations"
# Alembic's `op` is one for the whole process.
_rendering = threading.Lock()


@dataclass(frozen=True)
class History:
    """One line of revisions in one or more folders."""

    folders: tuple[Path, ...]

    def config(self) -> Config:
        """Return Alembic's configuration."""
        made = Config()
        made.set_main_option("script_location", str(_ROOT))
        made.set_main_option("version_locations", os.pathsep.join(str(folder) for folder in self.folders))
        made.set_main_option("path_separator", "os")
        return made

    @property
    def head(self) -> str:
        """The newest revision."""
        return _head(self)

    def revisions(self) -> tuple[str, ...]:
        """Return all revisions, oldest first."""
        return tuple(reversed([script.revision for script in _directory(self).walk_revisions()]))

    def statements(self, revision: str) -> tuple[str, ...]:
        """Return the single statements of one revision's `upgrade()`."""
        return _statements(self, revision)

    def work(self, revision: str) -> tuple[Work, ...]:
        """Return what one revision declares for after its DDL: indexes, then batches."""
        module = self.module(revision)
        return tuple(work for name in ("concurrently", "batches") for work in getattr(module, name, tuple)())

    def module(self, revision: str) -> Any:
        """Return the revision's module."""
        script = _directory(self).get_revision(revision)
        return None if script is None else script.module

    def fresh(self) -> tuple[str, ...]:
        """Return the statements that lead an empty schema to the head; its indexes need no lane of their own."""
        return tuple(
            statement
            for revision in self.revisions()
            for statement in (*self.statements(revision), *self._plain_indexes(revision))
        )

    def _plain_indexes(self, revision: str) -> list[str]:
        return [work.statement() for work in self.work(revision) if isinstance(work, ConcurrentIndex)]

    def build(self, connection: Connection) -> None:
        """Build the schema that is first on the connection's path by Alembic, revision by revision.

        This is the reference that the rendered script is compared with. Grants go to the role called like the mark.
        """
        made = self.config()
        made.attributes.update(connection=connection)
        for revision in self.revisions():
            command.upgrade(made, revision)
            for statement in self._plain_indexes(revision):
                connection.exec_driver_sql(statement)


TENANT_HISTORY = History((_ROOT / "tenant" / "versions",))
CONTROL_HISTORY = History((_ROOT / "control" / "versions",))


@cache
def _directory(history: History) -> ScriptDirectory:
    return ScriptDirectory.from_config(history.config())


def tenant_head() -> str:
    """Return the newest revision of the tenant history."""
    return TENANT_HISTORY.head


@cache
def _head(history: History) -> str:
    return cast(str, _directory(history).get_current_head())


@cache
def fresh_script(history: History) -> tuple[str, ...]:
    """Return `history.fresh()`, rendered once."""
    return history.fresh()


def upgrade_control(connection: Connection) -> None:
    """Bring control and desk to their head by Alembic, on an open connection of the migrator."""
    made = CONTROL_HISTORY.config()
    made.attributes.update(connection=connection, version_table_schema="control")
    command.upgrade(made, "head")


class _Statements:
    """Collects what Alembic prints in offline mode; it writes one statement at a time."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def write(self, text: str) -> None:
        statement = text.strip().removesuffix(";").strip()
        if statement:
            self.found.append(statement)

    def flush(self) -> None:
        """Do nothing; the interface of a text file asks for it."""


@cache
def _statements(history: History, revision: str) -> tuple[str, ...]:
    out = _Statements()
    run = MigrationContext.configure(
        dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]
        opts={"as_sql": True, "output_buffer": out, "literal_binds": True},
    )
    with _rendering, Operations.context(run):
        history.module(revision).upgrade()
    return tuple(out.found)


def target_metadata() -> MetaData:
    """Return the tables that the models declare for the tenant history."""
    return TenantBase.metadata
