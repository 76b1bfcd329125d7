"""The workspace itself: settings, plan and usage."""

from __future__ import annotations

from app.kit.module import Module, NavItem
from app.workspace import service
from app.workspace.api import api
from app.workspace.views import workspace

module = Module(
    name="workspace",
    api=[api],
    web=[workspace],
    permissions={
        "workspace.read": "viewer",
        "workspace.settings.write": "admin",
        "workspace.plan.write": "admin",
    },
    nav=[
        NavItem("Settings", "workspace.general", "settings", group="Run", permission="workspace.read", order=90),
        NavItem(
            "General", "workspace.general", "building-store", group="Workspace", permission="workspace.read", order=10
        ),
        NavItem("Brand", "workspace.brand_colour", "photo", group="Workspace", permission="workspace.read", order=20),
        NavItem(
            "Plan and usage", "workspace.plan", "credit-card", group="Workspace", permission="workspace.read", order=90
        ),
    ],
    on_provision=service.provision,
)
