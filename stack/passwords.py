"""Passwords of the embedded servers, made at first start and kept in a file that only its owner reads."""

import json
import os
import secrets
from pathlib import Path


class Passwords:
    """Remember one random password for each name."""

    def __init__(self, path: Path) -> None:
        """Read what an earlier start has written."""
        self._path = path
        self._known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name: str) -> str:
        """Return the password of that name, made now when it is new."""
        if name not in self._known:
            # Hexadecimal, so that it needs no quoting in a URL, a configuration file or SQL.
            self._known[name] = secrets.token_hex(24)
            self._save()
        return self._known[name]

    def _save(self) -> None:
        draft = self._path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self._known, file, indent=2)
        draft.replace(self._path)
