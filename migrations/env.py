"""One Alembic environment for both histories. The caller hands the open connection over in `config.attributes`."""

from __future__ import annotations

from alembic import context

config = context.config
connection = config.attributes["connection"]

context.configure(
    connection=connection,
    target_metadata=config.attributes.get("target_metadata"),
    version_table="alembic_version",
    version_table_schema=config.attributes.get("version_table_schema"),
    include_schemas=False,
    compare_server_default=True,
)
context.run_migrations()
