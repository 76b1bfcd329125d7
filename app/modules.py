"""The modules of Terrace. A newcomer's table of contents: a new module is one folder and one line here."""

from __future__ import annotations

from app.accounts.module import module as accounts
from app.apidocs.module import module as apidocs
from app.exports.module import module as exports
from app.files.module import module as files
from app.health.module import module as health
from app.home.module import module as home
from app.imports.module import module as imports
from app.jobs.module import module as jobs
from app.kit.module import Module
from app.notifications.module import module as notifications
from app.signup.module import module as signup
from app.store.module import module as store
from app.web.module import module as web
from app.workspace.module import module as workspace

MODULES: list[Module] = [
    health,
    apidocs,
    web,
    signup,
    accounts,
    notifications,
    jobs,
    files,
    store,
    imports,
    exports,
    workspace,
    home,
]
