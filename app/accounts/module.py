"""People of a tenant and their ways in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask

from app.accounts import csrf, jobs, link_views, login, queries, service, views
from app.accounts.api import auth, keys
from app.accounts.authenticator import BearerAuthenticator, CookieAuthenticator
from app.accounts.doors import ask_to_sign_in
from app.accounts.events import RefreshReused
from app.accounts.passwords import warm_up
from app.accounts.people import views as people
from app.accounts.people.api import invitations, users
from app.kit.errors import Unauthenticated
from app.kit.module import Module, NavItem


def install(app: Flask, runtime: Any) -> None:
    """Guard every form, answer whoever must sign in, and give templates `current_user`."""
    settings = runtime.settings
    app.config.update(
        SESSION_COOKIE_NAME="__Host-terrace_flash" if settings.secure else "terrace_flash",
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    csrf.install(app)
    login.install(app)
    app.register_error_handler(Unauthenticated, ask_to_sign_in)
    warm_up(settings)


def _pages() -> Blueprint:
    """Return the one blueprint on which all pages of this module stand."""
    (blueprint,) = {views.accounts, link_views.accounts, people.accounts}
    return blueprint


module = Module(
    name="accounts",
    api=[auth, users, invitations],
    web=[_pages(), keys],
    on={RefreshReused: [jobs.reuse]},
    jobs=[jobs.forgot, jobs.listing, jobs.finding, jobs.sweeping],
    schedules=[jobs.SWEEP],
    permissions={
        "accounts.user.read": "admin",
        "accounts.user.write": "admin",
        "accounts.user.invite": "admin",
    },
    quotas={"users": queries.count_seats},
    nav=[
        NavItem("People", "accounts.people", "users", group="Workspace", permission="accounts.user.read", order=20),
        NavItem("Your account", "accounts.account", "user", group="Workspace", order=80),
    ],
    on_provision=service.provision,
    authenticators=[BearerAuthenticator(), CookieAuthenticator()],
    install=install,
)
