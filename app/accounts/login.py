"""Flask-Login's `current_user`, answered from the request's own context; sessions themselves live in PostgreSQL."""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, g
from flask_login import LoginManager, UserMixin, current_user
from typing_extensions import override

from tenants.context import Actor


class CurrentUser(UserMixin):  # type: ignore[misc]
    """The signed-in person, as templates and Flask extensions expect one."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.id = str(actor.id)
        self.name = actor.name
        self.email = actor.email
        self.role = actor.role

    def may(self, permission: str) -> bool:
        """Say whether the person holds `permission`."""
        return self.actor.may(permission)

    @override
    def get_id(self) -> str:
        return self.id


def install(app: Flask) -> None:
    """Give `app` a login manager that asks the request's context, and templates `current_user`."""
    manager = LoginManager()
    manager.session_protection = None
    manager.request_loader(_from_context)
    # Not init_app: its remember cookie would read the flash cookie at every request, for static files too.
    app.login_manager = manager  # type: ignore[attr-defined]
    app.context_processor(_context)


def _from_context(request: Request) -> CurrentUser | None:
    ctx: Any = g.get("ctx")
    if ctx is None or ctx.actor.kind != "user":
        return None
    return CurrentUser(ctx.actor)


def _context() -> dict[str, Any]:
    return {"current_user": current_user}
