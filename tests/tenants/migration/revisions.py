"""Throw-away revisions in a folder of the test's own, joined to the real history."""

from __future__ import annotations

from pathlib import Path

from tenants.history import TENANT_HISTORY, History

HEADER = '''"""{title}."""

from alembic import op

from tenants.migration.declared import Batch, ConcurrentIndex

revision = "{revision}"
down_revision = "{down}"
branch_labels = None
depends_on = None
'''
# An additive column, an index on it, and rows that get its value: what an expanding release is made of.
EXPAND = """

def upgrade():
    op.execute("ALTER TABLE product ADD COLUMN touched bigint DEFAULT 0 NOT NULL")


def concurrently():
    return [ConcurrentIndex("ix_product_touched", "product", ("tenant_id", "touched"))]


def batches():
    return [Batch("count_touches", "product", "touched = touched + 1", size=7, rest=0)]
"""
COLUMN = """

def upgrade():
    op.execute("ALTER TABLE workspace ADD COLUMN motto text DEFAULT '' NOT NULL")
"""
BROKEN = """

def upgrade():
    op.execute("ALTER TABLE product ADD COLUMN weight bigint")
    op.execute("ALTER TABLE product ADD CONSTRAINT ck_product_never CHECK (false)")
"""


def extended(folder: Path, *bodies: str) -> History:
    """Return the real history with one more revision for each of `bodies`."""
    folder.mkdir(parents=True, exist_ok=True)
    down = TENANT_HISTORY.head
    for number, body in enumerate(bodies, 1):
        revision = f"9{number:03d}"
        header = HEADER.format(title=f"Throw-away revision {number}", revision=revision, down=down)
        (folder / f"{revision}_thrown_away.py").write_text(header + body)
        down = revision
    return History((*TENANT_HISTORY.folders, folder))
