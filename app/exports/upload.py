"""Storing a file while it is still being written: a slow store delays its end, not the transaction that reads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Self

from app.files.gateway import FileStore, Stored
from app.files.models import FileObject

_CHUNK = 1 << 18
# Every link says itself what the file is; a store that is told "text" would try to compress it once more.
_OPAQUE = "application/octet-stream"
# How long to leave a file alone that has nothing new, in seconds.
_PAUSE = 0.02


class Upload:
    """Sends the file at `path`, as it grows, to where `file` says; a context manager.

    Leaving it before `finish` stops the sending, and nothing is stored.
    """

    def __init__(self, store: FileStore, file: FileObject, path: Path) -> None:
        self._path = path
        self._written, self._given_up = Event(), False
        self._thread = ThreadPoolExecutor(1)
        self._stored = self._thread.submit(
            store.put, file.key, self._chunks(), media_type=_OPAQUE, encoding=file.encoding
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._given_up = not self._written.is_set()
        self._written.set()
        self._thread.shutdown()

    def finish(self) -> Stored:
        """Say that the file is written to its end, and return what was stored.

        Raises StoreUnreachable.
        """
        self._written.set()
        return self._stored.result()

    def _chunks(self) -> Iterator[bytes]:
        while not self._path.exists():
            self._wait()
        with self._path.open("rb") as file:
            while True:
                # Asked before reading: what is written by then is read below.
                is_last = self._written.is_set()
                while chunk := file.read(_CHUNK):
                    yield chunk
                if is_last:
                    return self._stop_if_given_up()
                self._wait()

    def _wait(self) -> None:
        self._written.wait(_PAUSE)
        self._stop_if_given_up()

    def _stop_if_given_up(self) -> None:
        if self._given_up:
            raise InterruptedError("the file was not written to its end")
