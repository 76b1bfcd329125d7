"""Companies sign up alone."""

from __future__ import annotations

from app.kit.module import Module
from app.signup.api import api
from app.signup.views import signup

module = Module(name="signup", api=[api], web=[signup])
