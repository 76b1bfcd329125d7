"""What a module contributes to the whole; read a module's `module.py` first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Flask

from app.kit.auth import Authenticator
from app.kit.events import Event
from app.kit.jobs.registry import JobSpec, Schedule


@dataclass(frozen=True, slots=True)
class NavItem:
    """A link of the shell, shown to those who hold `permission`."""

    label: str
    endpoint: str
    icon: str
    group: str = ""
    permission: str | None = None
    order: int = 50


@dataclass(frozen=True, slots=True)
class Module:
    """Everything one module adds: doors, reactions, jobs, rights, quotas and navigation."""

    name: str
    api: Sequence[Blueprint] = ()
    web: Sequence[Blueprint] = ()
    # Event → handlers `(ctx, work, event_payload)`; each becomes a job of its own, deduplicated by event id.
    on: Mapping[type[Event], Sequence[JobSpec]] = field(default_factory=dict)
    jobs: Sequence[JobSpec] = ()
    schedules: Sequence[Schedule] = ()
    # Permission → the lowest of the ordered roles (viewer < contributor < approver < admin < owner) that holds it.
    permissions: Mapping[str, str] = field(default_factory=dict)
    # Metric → `count(ctx)`, the recount that a usage counter must equal.
    quotas: Mapping[str, Callable[[Any], int]] = field(default_factory=dict)
    nav: Sequence[NavItem] = ()
    # Called in the new tenant's own transaction while it is provisioned: `(ctx, first_admin)`. Must be idempotent.
    on_provision: Callable[[Any, Mapping[str, Any]], None] | None = None
    # How requests prove who sends them; asked in order, the first that finds a credential answers.
    authenticators: Sequence[Authenticator] = ()
    # Called once with the application and its runtime, before the edge is put around the views.
    install: Callable[[Flask, Any], None] | None = None
    # Resource name → how rows of a file become rows of the module, and the reverse (see app/imports, app/exports).
    importers: Mapping[str, Any] = field(default_factory=dict)
    exporters: Mapping[str, Any] = field(default_factory=dict)
