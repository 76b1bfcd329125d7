"""What makes a workbook unreadable as a whole, said the way a person can act on."""

from __future__ import annotations

from app.imports.errors import FileUnreadable
from app.kit.errors import FieldError


def damaged() -> FileUnreadable:
    """Return the refusal of what is no workbook, or not a whole one."""
    return _refused("This is no Excel workbook, or a damaged one. Open it, save it as .xlsx and choose that file.")


def locked() -> FileUnreadable:
    """Return the refusal of a workbook with a password."""
    return _refused("The workbook has a password. Save a copy without one and choose that file.")


def bomb() -> FileUnreadable:
    """Return the refusal of what is small as a file and huge when it is opened."""
    return _refused(
        "The workbook unpacks to far more than it should. Copy the cells you need into a new workbook and choose that."
    )


def too_large(what: str, most: str) -> FileUnreadable:
    """Return the refusal of a workbook whose `what` is over the limit."""
    return _refused(f"{what} of the workbook is over {most}. Save the sheet as CSV, or split it, and choose that file.")


def empty() -> FileUnreadable:
    """Return the refusal of a workbook with nothing on its visible sheets."""
    return _refused("No visible sheet of the workbook has names of columns in its first row.")


def no_sheet(name: str) -> FileUnreadable:
    """Return the refusal of a sheet that the workbook does not have, or hides."""
    return _refused(f"The workbook has no visible sheet called {name[:80]}.")


def _refused(told: str) -> FileUnreadable:
    return FileUnreadable(told, errors=[FieldError("#/file", told)])
