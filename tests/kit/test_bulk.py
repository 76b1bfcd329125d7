"""Many rows in one statement hold what one row in a statement would."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Table, select

from app.imports.models import ImportChange, ImportRun
from app.kit.bulk import insert_many
from app.kit.ids import new_id
from tests.imports.support import upload
from tests.world import House

_TABLE = cast(Table, ImportChange.__table__)


def _row(run: ImportRun, **values: Any) -> dict[str, Any]:
    return {
        "tenant_id": run.tenant_id, "id": new_id(), "run_id": run.id, "row_number": 2, "kind": "product",
        "action": "created", "target_id": None, "label": "A", "before": {}, "after": {}, "undo_state": None,
        "undo_note": "", **values,
    }  # fmt: skip


def test_texts_numbers_ids_documents_and_nothings_arrive_as_they_are(acme: House, tmp_path: Any) -> None:
    run_id = upload(acme, b"sku,name,price\nA,Mug,1\n", resource="products", tmp=tmp_path)
    hostile = "{\"a\", 'b'},\\ NULL \n\t=1+1 ü"
    with acme.ctx() as ctx:
        run = ctx.db.get_one(ImportRun, (ctx.tenant.id, run_id))
        made = [
            _row(run, row_number=n, label=hostile, target_id=new_id(), after={"a": [1, None, hostile]}) for n in (1, 2)
        ]
        made.append(_row(run, row_number=3, label="NULL"))
        insert_many(ctx.db, _TABLE, made)
        query = select(*_TABLE.c).where(_TABLE.c.tenant_id == ctx.tenant.id).order_by(_TABLE.c.row_number)
        assert [dict(row._mapping) for row in ctx.db.execute(query)] == made


def test_no_rows_are_no_statement(acme: House) -> None:
    with acme.ctx() as ctx:
        insert_many(ctx.db, _TABLE, [])
