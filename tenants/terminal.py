"""What every command of `flask tenants …` needs: the runtime of the application, and the migrator's addresses."""

from __future__ import annotations

from typing import cast

import click
from flask import current_app

from tenants.runtime import Runtime


def the_runtime() -> Runtime:
    """Return the runtime of the application at hand."""
    return cast(Runtime, current_app.extensions["terrace"])


def admin_url(database: str = "main") -> str:
    """Return the migrator's address of a database. Raises click.ClickException when the settings lack it."""
    url = the_runtime().settings.databases[database].admin
    if not url:
        variable = "DATABASE_ADMIN_URL" + ("" if database == "main" else f"_{database.upper()}")
        raise click.ClickException(f"{variable} is missing; set it to the migrator's login.")
    return url
