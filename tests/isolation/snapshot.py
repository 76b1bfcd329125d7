"""All rows of some tenants, kept aside and put back, so that two runs begin in the very same world."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import psycopg

from tests.isolation import catalog

# Tables of the control schema that a tenant's own deeds change.
_CONTROL = ("login_directory",)
_COLUMNS = """
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""


class Snapshot:
    """What the tenants `ids` had when this was made."""

    def __init__(self, above: psycopg.Connection[Any], schemas: Sequence[str], ids: Sequence[UUID]) -> None:
        self._above = above
        self._labels = [f'"control"."{name}"' for name in _CONTROL]
        self._labels += [t.label for schema in sorted({*schemas, "desk"}) for t in catalog.tables(above, schema)]
        self._whose = ", ".join(f"'{one}'" for one in ids)
        script = []
        for number, label in enumerate(self._labels):
            above.execute(f"DROP TABLE IF EXISTS pg_temp.kept_{number}".encode())
            above.execute(
                f"CREATE TEMP TABLE kept_{number} AS SELECT * FROM {label} WHERE tenant_id IN ({self._whose})".encode()
            )
            (columns,) = above.execute(_COLUMNS, (label,)).fetchone() or ("",)
            script += [
                f"DELETE FROM {label} WHERE tenant_id IN ({self._whose})",
                f"INSERT INTO {label} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM kept_{number}",
            ]
        # As a replica: references are whole before and after, and need not be checked row by row.
        self._script = "; ".join(["BEGIN", "SET LOCAL session_replication_role = replica", *script, "COMMIT"]).encode()

    def restore(self) -> None:
        """Put everything back as it was."""
        self._above.execute(self._script)

    def rows(self, tenant_id: UUID) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every row of one of the tenants with its table."""
        parts = [
            f"SELECT '{label}', to_jsonb(x) FROM {label} x WHERE tenant_id = '{tenant_id}'" for label in self._labels
        ]
        yield from self._above.execute(" UNION ALL ".join(parts).encode())
