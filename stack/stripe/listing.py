"""Lists: the newest first, a page at a time."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from stack.stripe import errors
from stack.stripe.call import Call, Obj
from stack.stripe.errors import Refused
from stack.stripe.params import Params

Handler = Callable[[Call, Params, str], Obj]
Condition = tuple[str, Sequence[Any]]
_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_USUAL, _MOST = 10, 100


def page(
    call: Call,
    kind: str,
    params: Params,
    url: str,
    *,
    equal: Sequence[str] = (),
    conditions: Sequence[Condition] = (),
) -> Obj:
    """Return one page of the objects of a type.

    `equal` names the parameters that are compared with the field of the same name. Raises Refused.
    """
    filters = [*conditions, *_created(params)]
    for name in equal:
        wanted = params.text(name)
        if wanted is not None:
            filters.append(("json_extract(body, ?) = ?", [f"$.{name}", wanted]))
    limit = params.whole("limit", low=1, high=_MOST) or _USUAL
    after, before = params.text("starting_after"), params.text("ending_before")
    if after and before:
        raise Refused("You cannot parameterize both starting_after and ending_before.", param="starting_after")
    order = "DESC"
    if after:
        filters.append(("seq < ?", [_place(call, kind, after, "starting_after")]))
    if before:
        filters.append(("seq > ?", [_place(call, kind, before, "ending_before")]))
        order = "ASC"
    rows = _rows(call, kind, filters, order, limit + 1)
    found = rows[:limit]
    return {
        "object": "list",
        "data": found[::-1] if before else found,
        "has_more": len(rows) > limit,
        "url": url,
    }


def one(kind: str) -> Handler:
    """Return what answers for a single object of a type."""
    return lambda call, _params, key: call.get(kind, key)


def whole(data: Sequence[Obj], url: str) -> Obj:
    """Return a list that fits one page."""
    return {"object": "list", "data": list(data), "has_more": False, "url": url}


def _rows(call: Call, kind: str, filters: Sequence[Condition], order: str, limit: int) -> list[Obj]:
    clauses = ["account = ?", "type = ?", *(f"({clause})" for clause, _ in filters)]
    values = [call.account, kind, *(value for _, some in filters for value in some), limit]
    # The clauses are written in this package; what came from outside is among the values.
    query = f"SELECT body FROM object WHERE {' AND '.join(clauses)} ORDER BY seq {order} LIMIT ?"  # noqa: S608
    return [json.loads(row["body"]) for row in call.db.execute(query, values)]


def _place(call: Call, kind: str, key: str, param: str) -> int:
    row = call.db.execute(
        "SELECT seq FROM object WHERE account = ? AND type = ? AND id = ?", (call.account, kind, key)
    ).fetchone()
    if row is None:
        raise errors.missing(kind, key, param=param, status=400)
    return int(row["seq"])


def _created(params: Params) -> list[Condition]:
    value = params.raw("created")
    if value is None:
        return []
    if not isinstance(value, dict):
        return [("created = ?", [params.whole("created")])]
    below = params.hash("created")
    bounds = [(sign, below.whole(name)) for name, sign in _COMPARE.items()] if below else []
    return [(f"created {sign} ?", [bound]) for sign, bound in bounds if bound is not None]
