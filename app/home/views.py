"""The home page."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.home.content import content
from tenants.access import access
from tenants.edge import current

home = Blueprint("home", __name__)


@home.get("/home")
@access(None)
def show() -> str:
    """Show what waits, the latest orders and the numbers of the month."""
    return render_template("web/home.html", **content(current()))
