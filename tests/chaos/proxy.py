"""A TCP proxy that a test puts in front of a server, to make the road to it bad: slow, mute, cut or half closed."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Self

_CHUNK = 1 << 16
# SO_LINGER of zero seconds: the connection ends with a reset, as when a machine loses its memory of it.
_RESET = struct.pack("ii", 1, 0)


@dataclass
class Weather:
    """What happens to bytes on the way: `latency` seconds for each chunk to the server, `rate` bytes a second."""

    latency: float = 0.0
    rate: int = 0
    mute: bool = False
    refuse: bool = False


@dataclass(eq=False)
class _Link:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter


class Proxy:
    """Listens on a port of its own and passes everything on to `target`; a context manager."""

    def __init__(self, target: tuple[str, int]) -> None:
        """Start nothing yet."""
        self.target = target
        self.weather = Weather()
        self.port = 0
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._clear = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *error: object) -> None:
        """Stop listening and drop every connection."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @contextmanager
    def bad(self, weather: Weather) -> Iterator[None]:
        """Let `weather` be while the block runs."""
        self._change(weather)
        try:
            yield
        finally:
            self._change(Weather())

    def cut(self) -> int:
        """Reset every connection, on both sides, and return how many there were."""
        return asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(10)

    def half_close(self) -> int:
        """Say to every server that its client has no more to send, and nothing to the clients."""
        return asyncio.run_coroutine_threadsafe(self._half_close(), self._loop).result(10)

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._links)

    def _change(self, weather: Weather) -> None:
        def change() -> None:
            self.weather = weather
            (self._clear.clear if weather.mute else self._clear.set)()

        self._loop.call_soon_threadsafe(change)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        self._clear.set()
        self._ready.set()
        self._loop.run_forever()

    async def _stop(self) -> None:
        self._server.close()
        await self._cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _cut(self) -> int:
        links = list(self._links)
        for link in links:
            for writer in (link.client, link.server):
                found: socket.socket | None = writer.get_extra_info("socket")
                with suppress(OSError, AttributeError):
                    if found is not None:
                        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort()
        return len(links)

    async def _half_close(self) -> int:
        links = list(self._links)
        for link in links:
            with suppress(OSError, RuntimeError):
                link.server.write_eof()
        return len(links)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        try:
            await self._carry(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            if task is not None:
                self._tasks.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.weather.refuse:
            return
        await self._clear.wait()
        back, forth = await asyncio.open_connection(*self.target)
        link = _Link(writer, forth)
        self._links.add(link)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, forth, slowly=True))
                both.create_task(self._pump(back, writer, slowly=False))
        except* (OSError, RuntimeError):
            pass
        finally:
            self._links.discard(link)
            forth.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slowly: bool) -> None:
        while chunk := await reader.read(_CHUNK):
            await self._clear.wait()
            if slowly and self.weather.latency:
                await asyncio.sleep(self.weather.latency)
            step = max(1, self.weather.rate // 20) if self.weather.rate else len(chunk)
            for start in range(0, len(chunk), step):
                writer.write(chunk[start : start + step])
                await writer.drain()
                if self.weather.rate:
                    await asyncio.sleep(0.05)
        if writer.can_write_eof():
            writer.write_eof()
