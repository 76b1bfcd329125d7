"""The API's document and its page."""

from __future__ import annotations

from app.apidocs.views import apidocs
from app.kit.module import Module

module = Module(name="apidocs", web=[apidocs])
