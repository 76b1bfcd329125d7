"""From COPY to a file on disk: the database streams, Python only gathers, compresses or converts."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv
from sqlalchemy import text

from app.exports.columns import Column, schema
from app.files.kinds import CSV, WORKBOOK, Kind
from app.files.sheets import SheetWriter
from tenants.context import Ctx

# COPY hands over row by row; so many bytes are compressed at once.
_BATCH = 1 << 18
_GZIP = 16 + zlib.MAX_WBITS
_ROW_GROUP = 4 << 20
_TELL_EVERY = 1000

# JSON has neither of these two bytes, so nothing is ever quoted: what comes out is one document a line.
_JSON_OPTIONS = "FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02'"


# Instants are written in the session's zone; wide rows are sorted in memory rather than in temporary files.
_SETTINGS = "SET LOCAL TimeZone = 'UTC'; SET LOCAL work_mem = '64MB'"


KINDS = {
    # Compressed on the way only: a browser saves the plain file.
    "csv": replace(CSV, encoding="gzip"),
    "ndjson": Kind("ndjson", "application/x-ndjson", "gzip"),
    "parquet": Kind("parquet", "application/vnd.apache.parquet"),
    "xlsx": WORKBOOK,
}
# Made from a CSV of COPY rather than by COPY itself.
CONVERTED = ("parquet", "xlsx")


def copy_statement(query: str, format_: str) -> str:
    """Return the COPY of `query`: CSV, or one JSON document a line."""
    if format_ == "ndjson":
        return f"COPY (SELECT row_to_json(x) FROM ({query}) x) TO STDOUT ({_JSON_OPTIONS})"  # noqa: S608
    return f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)"


def spool(
    ctx: Ctx, statement: str, values: Mapping[str, Any], path: Path, *, compress: bool, tell: Callable[[int], None]
) -> int:
    """Run COPY into the file at `path` and return how many messages came: one a row, and one for a header."""
    driver: psycopg.Connection[Any] = ctx.db.connection().connection.dbapi_connection  # type: ignore[assignment]
    squeeze = zlib.compressobj(1, zlib.DEFLATED, _GZIP) if compress else None
    total = 0
    ctx.db.execute(text(_SETTINGS))
    with path.open("wb") as file, driver.cursor() as cursor, cursor.copy(statement, values) as copy:
        buffer = bytearray()
        while count := driver.wait(_gather(copy, buffer)):
            total += count
            file.write(squeeze.compress(buffer) if squeeze else buffer)
            buffer.clear()
            tell(total)
        if squeeze:
            file.write(squeeze.flush())
    return total


def _gather(copy: psycopg.Copy, buffer: bytearray) -> Generator[Any, Any, int]:
    """Fill `buffer` and return how many messages came; none at the end.

    psycopg's own loop enters the wait for the connection anew for each row, which is most of what a row costs.
    """
    count = 0
    while len(buffer) < _BATCH and (message := (yield from copy._read_gen())):
        buffer += message
        count += 1
    return count


def to_parquet(source: Path, target: Path, columns: Sequence[Column]) -> None:
    """Turn a CSV of COPY into Parquet, a block at a time. The types are given: nothing is guessed from values."""
    kinds = schema(columns)
    reader = arrow_csv.open_csv(
        source,
        read_options=arrow_csv.ReadOptions(block_size=_ROW_GROUP),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=kinds, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
    with reader, pq.ParquetWriter(target, kinds, compression="zstd") as writer:
        for batch in reader:
            writer.write_table(pa.Table.from_batches([batch]))


def to_workbook(
    source: Path, target: Path, columns: Sequence[Column], *, name: str, tell: Callable[[int], None]
) -> None:
    """Turn a CSV of COPY into a workbook, a row at a time: texts as texts, amounts and counts as numbers.

    `target` appears when it is whole: a zip file's beginning is written last.
    """
    part = target.with_suffix(".part")
    numbers = [column.is_number for column in columns]
    with source.open(newline="", encoding="utf-8") as file, SheetWriter(part, name) as sheet:
        rows = csv.reader(file)
        sheet.header(next(rows))
        for count, row in enumerate(rows, 1):
            sheet.add([Decimal(cell) if number and cell else cell for cell, number in zip(row, numbers, strict=True)])
            if count % _TELL_EVERY == 0:
                tell(count)
    part.rename(target)
