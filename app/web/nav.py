"""What the shell around a page shows: workspace, the links this person may use, the person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from flask import current_app, g, request, url_for

from app.kit.module import NavItem
from tenants.context import Ctx

GROUPS = ("", "Make", "Sell", "Run")
# Links of these groups stand beside the settings pages, not in the rail.
SETTINGS_GROUPS = ("Workspace", "Connect")
_TABS = 4
SEARCH_ENDPOINT = "web.search"
SIGN_OUT_ENDPOINT = "accounts.signout"


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the shell. `exact` means this very page, `current` this page or one below it."""

    label: str
    href: str
    icon: str
    current: bool
    exact: bool
    count: int | None = None
    hot: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Links under one heading; the first has none."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in."""

    name: str
    role: str
    id: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A banner above every page: what, and one thing to do about it. `post` makes that a POST."""

    title: str
    text: str
    tint: str = "wait"
    word: str = ""
    href: str = ""
    post: bool = False


@dataclass(frozen=True, slots=True)
class Shell:
    """Everything `web/shell.html` needs."""

    workspace: str
    initial: str
    tier: str
    sections: tuple[Section, ...]
    tabs: tuple[Entry, ...]
    person: Person
    notices: tuple[Notice, ...]
    search: str
    search_label: str
    signout: str
    here: str
    apex: str


def allowed(items: Iterable[NavItem], actor: Any) -> list[NavItem]:
    """Return the links that `actor` may use, in order."""
    seen = [item for item in items if item.permission is None or actor.may(item.permission)]
    return sorted(seen, key=lambda item: (_rank(item.group), item.order, item.label))


def _rank(group: str) -> int:
    known = GROUPS + SETTINGS_GROUPS
    return known.index(group) if group in known else len(known)


def _sections(items: list[NavItem], path: str) -> tuple[Section, ...]:
    hrefs = {item: url_for(item.endpoint) for item in items}
    above = [href for href in hrefs.values() if path == href or path.startswith(href.rstrip("/") + "/")]
    # Of /settings and /settings/brand only the longer one is where the person is.
    here = max(above, key=len, default=None)

    def entry(item: NavItem) -> Entry:
        href = hrefs[item]
        return Entry(item.label, href, item.icon, current=href == here, exact=href == path)

    groups = dict.fromkeys(item.group for item in items)
    return tuple(Section(group, tuple(entry(i) for i in items if i.group == group)) for group in groups)


def _address(endpoint: str, fallback: str) -> str:
    return url_for(endpoint) if endpoint in current_app.view_functions else fallback


def _notices(ctx: Ctx) -> tuple[Notice, ...]:
    if ctx.actor.email_verified or ctx.actor.kind != "user":
        return ()
    return (
        Notice(
            "Confirm your e-mail address.",
            f"We sent a link to {ctx.actor.email}. Inviting people, mail and billing wait for it.",
            word="Send it again",
            href=_address("accounts.resend_verification", "/verify/resend"),
            post=True,
        ),
    )


def nav_items() -> list[NavItem]:
    """Return the links that the modules declare and this person may use."""
    ctx: Ctx = g.ctx
    return allowed((item for module in ctx.runtime.modules for item in module.nav), ctx.actor)


def settings_nav() -> tuple[Section, ...]:
    """Return the links beside the settings pages; for templates."""
    return _sections([item for item in nav_items() if item.group in SETTINGS_GROUPS], request.path)


def _rail() -> tuple[Section, ...]:
    """Return the rail; Settings stays marked on every page that stands beside the settings."""
    sections = _sections([item for item in nav_items() if item.group not in SETTINGS_GROUPS], request.path)
    beside = [entry for section in settings_nav() for entry in section.entries]
    if not any(entry.current for entry in beside):
        return sections
    doors = {entry.href for entry in beside}

    def mark(entry: Entry) -> Entry:
        return replace(entry, current=entry.current or entry.href in doors)

    return tuple(replace(section, entries=tuple(map(mark, section.entries))) for section in sections)


def shell() -> Shell:
    """Return the shell of this request; for templates inside a workspace."""
    ctx: Ctx = g.ctx
    sections = _rail()
    entries = [entry for section in sections for entry in section.entries]
    name = ctx.tenant.company_name
    return Shell(
        workspace=name,
        initial=name[:1].upper(),
        tier=ctx.tenant.tier.label,
        sections=sections,
        tabs=tuple(entries[:_TABS]),
        person=Person(ctx.actor.name or ctx.actor.email, ctx.actor.role.capitalize(), str(ctx.actor.id)),
        notices=_notices(ctx),
        search=_address(SEARCH_ENDPOINT, ""),
        search_label="Search or jump to",
        signout=_address(SIGN_OUT_ENDPOINT, "/signout"),
        here=request.full_path.rstrip("?"),
        apex=ctx.runtime.settings.base_url,
    )
