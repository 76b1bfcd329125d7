"""Reads XML as a stream: no document type, no entities of its own, no depth, no endless tag."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, Protocol
from xml.parsers import expat

from app.imports.xlsx import errors

MAX_DEPTH = 64
# A tag, with all its attributes, that is not over after so many bytes never will be.
MAX_TOKEN = 1 << 20


class Handler(Protocol):
    """What is told of each element, by its name without a prefix."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element."""

    def end(self, name: str) -> None:
        """End an element."""

    def text(self, text: str) -> None:
        """Take some text; a text may come in pieces."""


def walk(chunks: Iterable[bytes], handler: Handler) -> Generator[None]:
    """Tell `handler` of the elements in `chunks`, and yield after each chunk.

    Raises FileUnreadable for what is no XML, and for XML that no spreadsheet writes.
    """
    parser = _parser(handler)
    fed = 0
    for chunk in chunks:
        _feed(parser, chunk)
        fed += len(chunk)
        if fed - parser.CurrentByteIndex > MAX_TOKEN:
            raise errors.bomb()
        yield


def read(chunks: Iterable[bytes], handler: Handler) -> None:
    """Tell `handler` of everything in `chunks`."""
    for _ in walk(chunks, handler):
        pass


def _parser(handler: Handler) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    depth = 0
    begin, finish = handler.start, handler.end

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise errors.bomb()
        begin(name[name.find(":") + 1 :], attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        finish(name[name.find(":") + 1 :])

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = handler.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    return parser


def _refuse(*_: Any) -> None:
    raise errors.damaged()


def _feed(parser: expat.XMLParserType, chunk: bytes) -> None:
    try:
        parser.Parse(chunk, False)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise errors.damaged() from error


def attribute(attributes: dict[str, str], name: str) -> str:
    """Return an attribute whatever its prefix is, or ""."""
    return next((value for key, value in attributes.items() if key == name or key.endswith(f":{name}")), "")
