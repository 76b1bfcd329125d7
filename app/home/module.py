"""Home: what waits for a person, and how things stand."""

from __future__ import annotations

from app.home.views import home
from app.kit.module import Module, NavItem

module = Module(name="home", web=[home], nav=[NavItem("Home", "home.show", "home", order=0)])
