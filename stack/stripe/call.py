"""One step on behalf of one account: its objects, its time, its transaction."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from stack.stripe import errors
from stack.stripe.manners import Manners

Obj = dict[str, Any]
API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True)
class Call:
    """What a function needs to know and to change."""

    db: sqlite3.Connection
    account: str
    now: int
    site: str
    manners: Manners
    # Both are None for what happens by itself.
    request: str | None = None
    key: str | None = None

    def find(self, kind: str, key: str) -> Obj | None:
        """Return an object of this account, or None."""
        row = self.db.execute(
            "SELECT body FROM object WHERE account = ? AND id = ? AND type = ?", (self.account, key, kind)
        ).fetchone()
        return json.loads(row["body"]) if row else None

    def get(self, kind: str, key: str, *, param: str = "id", status: int = 404) -> Obj:
        """Return an object of this account. Raises Refused."""
        found = self.find(kind, key)
        if found is None:
            raise errors.missing(kind, key, param=param, status=status)
        return found

    def where(self, kind: str, field: str, value: str) -> list[Obj]:
        """Return the objects with that value in a field of theirs, the newest first."""
        rows = self.db.execute(
            "SELECT body FROM object WHERE account = ? AND type = ? AND json_extract(body, ?) = ? ORDER BY seq DESC",
            (self.account, kind, f"$.{field}", value),
        )
        return [json.loads(row["body"]) for row in rows]

    def add(self, obj: Obj) -> Obj:
        """Keep a new object."""
        self.db.execute(
            "INSERT INTO object (account, id, type, created, body) VALUES (?, ?, ?, ?, ?)",
            (self.account, obj["id"], obj["object"], obj["created"], json.dumps(obj)),
        )
        return obj

    def save(self, obj: Obj) -> Obj:
        """Keep an object that has changed."""
        self.db.execute(
            "UPDATE object SET body = ? WHERE account = ? AND id = ?", (json.dumps(obj), self.account, obj["id"])
        )
        return obj

    def remove(self, obj: Obj) -> None:
        """Forget an object."""
        self.db.execute("DELETE FROM object WHERE account = ? AND id = ?", (self.account, obj["id"]))

    def appoint(self, at: int, kind: str, target: str) -> None:
        """Have something happen at that time of the account's clock."""
        self.db.execute(
            "INSERT INTO appointment (account, at, kind, target) VALUES (?, ?, ?, ?)", (self.account, at, kind, target)
        )

    def behave(self, **wishes: Any) -> None:
        """Change the account's settings. Raises Misspelt."""
        self.db.execute(
            "UPDATE account SET manners = ? WHERE name = ?", (self.manners.changed(wishes).write(), self.account)
        )


def public(obj: Any) -> Any:
    """Return an object without what only the stand-in knows of it, which is what begins with an underscore."""
    if isinstance(obj, dict):
        return {name: public(value) for name, value in obj.items() if not name.startswith("_")}
    return [public(each) for each in obj] if isinstance(obj, list) else obj
