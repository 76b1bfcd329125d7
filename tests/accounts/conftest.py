"""What tests of accounts share: reading mail, posting forms as a browser does, and colleagues."""

from __future__ import annotations

import html
import itertools
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import requests
from sqlalchemy import delete, update

from app.accounts.actors import CACHE
from app.accounts.emails import normal_email
from app.accounts.models import LoginSession, OneTimeToken, Throttle, UserAccount
from app.accounts.passwords import hash_password
from app.kit.desk import Usage
from app.workspace.service import settings as workspace_settings
from config.settings import Settings
from tests.world import PASSWORD, Browser, House, World

NEW_PASSWORD = "seven herons over the marsh"
_LINK = re.compile(r"https?://\S+")
_TOKEN = re.compile(r'name="csrf_token" value="([0-9a-f]{64})"')
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def homes(world: World) -> dict[str, House]:
    """Return the tenants that all tests of accounts take turns in; making one costs more than most tests."""
    return {"acme": world.tenant("acme", owner="alice"), "globex": world.tenant("globex", owner="mallory")}


@pytest.fixture
def acme(homes: dict[str, House]) -> House:
    """Return the pooled tenant of alice, as if it had just been provisioned."""
    return _as_new(homes["acme"], "alice")


@pytest.fixture
def globex(homes: dict[str, House]) -> House:
    """Return the pooled tenant of mallory, as if it had just been provisioned."""
    return _as_new(homes["globex"], "mallory")


def _as_new(house: House, owner: str) -> House:
    # An address of its own for each test: mails to it are this test's.
    email = f"{owner}-{next(_numbers)}@{house.tenant.slug}.example"
    CACHE.drop(lambda actor: True)
    with house.ctx() as ctx:
        mine = ctx.tenant.id
        for table in (Throttle, LoginSession, OneTimeToken):
            ctx.db.execute(delete(table).where(table.tenant_id == mine))
        ctx.db.execute(delete(UserAccount).where(UserAccount.tenant_id == mine))
        ctx.db.add(_person(house, email, "owner", None))
        ctx.db.execute(update(Usage).where(Usage.tenant_id == mine, Usage.metric == "users").values(used=1))
        workspace_settings(ctx).signup_open = False
    return replace(house, owner_email=email)


def _person(house: House, email: str, role: str, verified_at: Any) -> UserAccount:
    return UserAccount(
        email=email,
        email_norm=normal_email(email),
        name=email.split("@", maxsplit=1)[0].split("-", maxsplit=1)[0].capitalize(),
        password_hash=_stored(house.world.runtime.settings),
        role=role,
        status="active",
        email_verified_at=verified_at,
    )


@cache
def _stored(settings: Settings) -> str:
    return hash_password(settings, PASSWORD)


@pytest.fixture
def mails(settings: Settings) -> Callable[[str], list[dict[str, Any]]]:
    """Return a function that gives the mails to an address, newest first."""

    def read(to: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(
            f"{settings.mailbox_url}/api/messages", params={"to": to}, timeout=5
        ).json()
        return found

    return read


@pytest.fixture
def fresh_email() -> str:
    """Return an address that no other test uses."""
    return f"person-{next(_numbers)}-{uuid.uuid4().hex[:8]}@mail.example"


def token_in(mail: dict[str, Any]) -> str:
    """Return the token at the end of the mail's link."""
    return link_in(mail).rsplit("/", 1)[1]


def link_in(mail: dict[str, Any]) -> str:
    """Return the first link of the mail's text."""
    found = _LINK.search(mail["text"])
    assert found, mail["text"]
    return found[0]


def csrf_of(page: str) -> str:
    """Return the token of the page's forms."""
    found = _TOKEN.search(page)
    assert found, page
    return html.unescape(found[1])


def submit(browser: Browser, path: str, data: dict[str, str], *, page: str | None = None, **options: Any) -> Any:
    """Open `page` (or `path`), and post `data` with its token to `path`."""
    shown = browser.get(page or path)
    assert shown.status_code == 200, shown.text
    return browser.post(path, data={"csrf_token": csrf_of(shown.text), **data}, **options)


def sign_in(house: House, email: str | None = None, password: str = PASSWORD) -> Browser:
    """Return a browser in which the person is signed in."""
    browser = house.browser()
    answer = submit(browser, "/signin", {"email": email or house.owner_email, "password": password})
    assert answer.status_code == 303, answer.text
    return browser


def add_person(house: House, email: str, role: str = "viewer", *, verified: bool = True) -> uuid.UUID:
    """Put an active person into the tenant, as accepting an invitation would."""
    with house.ctx() as ctx:
        user = _person(house, email, role, ctx.now if verified else None)
        ctx.db.add(user)
        ctx.db.flush()
        return user.id


def confirm_owner(house: House) -> None:
    """Mark the owner's address as proven."""
    with house.ctx() as ctx:
        for user in ctx.db.query(UserAccount).filter_by(email=house.owner_email):
            user.email_verified_at = ctx.now
