"""What the home page shows."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from flask import url_for

from app.workspace import service
from tenants.context import Ctx


def content(ctx: Ctx) -> dict[str, Any]:
    """Return the variables of `web/home.html`."""
    zone = ZoneInfo(service.settings(ctx).time_zone)
    local = ctx.now.astimezone(zone)
    first = (ctx.actor.name or "").split(" ")[0]
    return {
        "greeting": f"{_greeting(local.hour)}{', ' + first if first else ''}",
        "fact": format_date(local, "EEEE d MMMM", locale="en_GB"),
        "new": None,
        "waiting": [],
        "orders": [],
        "numbers": [],
        "activity": [],
        "start": [
            {
                "title": "Name your workspace and choose a currency",
                "text": "New products start with it.",
                "icon": "settings",
                "done": False,
                "action": ("Open settings", url_for("workspace.general")),
            }
        ],
    }


def _greeting(hour: int) -> str:
    if hour < 5:
        return "Good night"
    if hour < 12:
        return "Good morning"
    return "Good afternoon" if hour < 18 else "Good evening"
