"""The two migration histories: `control` (control and desk schemas) and `tenant` (every pool and dedicated schema).

The tenant history is rendered to SQL once and then run per schema; nothing tenant-specific is in it but the role mark.
"""

from __future__ import annotations

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

_ROOT = Path(__file__).parent.parent / "migrations"
BASE = "base"


def config(history: str) -> Config:
    """Return Alembic's configuration for `history` ("control" or "tenant")."""
    made = Config()
    made.set_main_option("script_location", str(_ROOT))
    made.set_main_option("version_locations", str(_ROOT / history / "versions"))
    made.set_main_option("path_separator", "os")
    return made


@cache
def scripts(history: str) -> ScriptDirectory:
    """Return the revisions of `history`."""
    return ScriptDirectory.from_config(config(history))


@cache
def tenant_head() -> str:
    """Return the newest revision of the tenant history."""
    return cast(str, scripts("tenant").get_current_head())


def upgrade_control(connection: Connection) -> None:
    """Bring control and desk to their head by Alembic, on an open connection of the migrator."""
    made = config("control")
    made.attributes.update(connection=connection, version_table_schema="control")
    command.upgrade(made, "head")


def upgrade_tenant_schema(connection: Connection) -> None:
    """Build the schema that is first on the connection's path by Alembic, revision by revision.

    This is the reference that the rendered script is compared with. Grants go to the role called like the mark.
    """
    made = config("tenant")
    made.attributes.update(connection=connection)
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
def render(start: str, end: str = "head") -> tuple[str, ...]:
    """Return the single statements that lead the tenant history from revision `start` to `end`."""
    directory = scripts("tenant")
    target = tenant_head() if end == "head" else end
    if start == target:
        return ()
    out = _Statements()
    run = MigrationContext.configure(
        dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]
        opts={"as_sql": True, "output_buffer": out, "literal_binds": True},
    )
    revisions = list(directory.iterate_revisions(target, start))
    with Operations.context(run):
        for revision in reversed(revisions):
            cast(Any, revision.module).upgrade()
    return tuple(out.found)


def target_metadata() -> MetaData:
    """Return the tables that the models declare for the tenant history."""
    return TenantBase.metadata
