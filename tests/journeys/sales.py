"""A small file of sales, shaped like those that shops export, with the oddities that real ones have."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

HEADER = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
PRODUCTS = [
    ("85123A", "WHITE HANGING HEART", "2.55"),
    ("71053", "WHITE METAL LANTERN", "3.39"),
    ("22752", "SET 7 NESTING BOXES", "7.65"),
    ("21730", "GLASS STAR", "4.25"),
    ("22633", "HAND WARMER", "1.85"),
]
INVOICES = 12


def rows() -> list[list[str]]:
    """Return the lines: twelve invoices of three products each, one with postage, one with a line by hand."""
    found = []
    for number in range(INVOICES):
        head = str(536365 + number)
        when = f"2010-12-{number + 1:02d} 08:26:00"
        who = ["17850.0", "Germany" if number % 4 == 0 else "United Kingdom"]
        for at in range(3):
            code, name, price = PRODUCTS[(number + at) % len(PRODUCTS)]
            found.append([head, code, name, str(number + at + 1), when, price, *who])
        if number == 0:
            found.append([head, "POST", "POSTAGE", "3", when, "18.0", *who])
        if number == 1:
            found.append([head, "M", "Manual", "1", when, "1.25", *who])
    return found


def as_csv() -> bytes:
    """Return the file, with Windows line ends as the original has them."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([HEADER, *rows()])
    return out.getvalue().encode()


def total() -> Decimal:
    """Return the sum over all lines, worked out without Terrace."""
    return sum((int(row[3]) * Decimal(row[5]) for row in rows()), Decimal(0))
