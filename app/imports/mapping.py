"""Which column of a file feeds which field: the fields there are, and the guess that is offered first."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.kit.errors import FieldError, Invalid

_MONTH_FIRST = re.compile(r"\s*\d{1,2}/(\d{1,2})/\d{4}")
_LAST_MONTH = 12
# Columns that a report of ours puts before those of the file.
OURS = ("row", "imported", "problem")


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a row may say. `aliases` are headers it is known by, the surest first, in letters and digits only."""

    name: str
    label: str
    aliases: tuple[str, ...] = ()
    required: bool = False
    hint: str = ""


def plain(header: str) -> str:
    """Return a header as aliases are written: "Unit Price" → "unitprice"."""
    folded = unicodedata.normalize("NFKC", header).casefold()
    return "".join(c for c in folded if c.isalnum())


def guess(fields: Sequence[Field], header: Sequence[str]) -> dict[str, str]:
    """Return `{field: header}` for the columns that are recognised; no column feeds two fields."""
    free: dict[str, str] = {}
    for column in header:
        free.setdefault(plain(column), column)
    found: dict[str, str] = {}
    # The field's own name first, over all fields: "description" is a name only where nothing else is.
    for rank in range(max(len(f.aliases) for f in fields) + 1):
        for field in fields:
            if field.name in found:
                continue
            known = (plain(field.name), *field.aliases)
            if rank < len(known) and known[rank] in free:
                found[field.name] = free.pop(known[rank])
    # A field that must be there goes before one that may: "Description" alone is the name.
    return _favour_required(fields, found)


def _favour_required(fields: Sequence[Field], found: dict[str, str]) -> dict[str, str]:
    for field in fields:
        if not field.required or field.name in found:
            continue
        for other in fields:
            column = found.get(other.name)
            if column is not None and not other.required and plain(column) in field.aliases:
                found[field.name] = found.pop(other.name)
                break
    return found


def digest(header: Sequence[str]) -> str:
    """Return what files with these columns, in whatever order, have in common."""
    names = sorted({name for name in header if name} - set(OURS))
    return hashlib.sha256("\x1f".join(names).encode()).hexdigest()


def fit(mapping: Mapping[str, str], header: Sequence[str]) -> int:
    """Return how many fields of `mapping` a file with this header feeds."""
    return sum(1 for column in mapping.values() if column in header)


def columns(fields: Sequence[Field], header: Sequence[str], mapping: Mapping[str, str]) -> dict[str, int]:
    """Return `{field: position}` for `mapping`.

    Raises Invalid with a pointer at each field that is unknown, needed and absent, or fed by no column of the file.
    """
    known = {field.name: field for field in fields}
    errors = [
        FieldError(f"#/mapping/{name}", f"There is no field called {name}.") for name in mapping if name not in known
    ]
    positions: dict[str, int] = {}
    for name, column in mapping.items():
        if name not in known or not column:
            continue
        if column in header:
            positions[name] = header.index(column)
        else:
            errors.append(FieldError(f"#/mapping/{name}", f"The file has no column called {column[:80]}."))
    errors += [
        FieldError(f"#/mapping/{field.name}", f"Choose the column that holds: {field.label.lower()}.")
        for field in fields
        if field.required
        and field.name not in positions
        and not any(e.pointer.endswith(f"/{field.name}") for e in errors)
    ]
    if errors:
        raise Invalid("The columns of the file do not fit.", errors=errors)
    return positions


def month_first(cells: Sequence[str]) -> bool:
    """Say whether dates like 12/24/2010 are among `cells`: then the month comes first in all of them."""
    return any((m := _MONTH_FIRST.match(cell)) is not None and int(m.group(1)) > _LAST_MONTH for cell in cells)
