"""Blocking calls off the event loop, in threads that never hold up the end of the program.

`asyncio.to_thread` runs in a pool whose threads are joined when the program ends, however long
they hang. Ours are daemons: whoever waits gives up after a limit, and the process can go.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Worker", "call_in_thread"]

T = TypeVar("T")


def call_in_thread(function: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Run `function` in a daemon thread; the future has what it gave or raised.

    A cancelled future leaves the thread to itself: Python cannot stop one from outside.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def settle(value: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)  # type: ignore[arg-type]

    def work() -> None:
        value: T | None = None
        error: BaseException | None = None
        try:
            value = context.run(function)
        except BaseException as caught:  # noqa: BLE001 - handed to whoever waits
            # A future refuses StopIteration, which would end a generator that waits for it.
            stops = isinstance(caught, StopIteration)
            error = RuntimeError(f"{name} raised StopIteration") if stops else caught
        # The loop may be gone by now: then nobody waits any more.
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(settle, value, error)
            except RuntimeError:
                return

    threading.Thread(target=work, name=name, daemon=True).start()
    return future


class Worker:
    """A thread that works until it is told to stop, and whose death does not go unnoticed.

    `work(stop)` is called in the thread; it ends by returning once `stop` is set. Returning
    earlier, or raising, is what `failed` waits for.
    """

    def __init__(self, name: str, work: Callable[[threading.Event], None]) -> None:
        self.name = name
        self._work = work
        self._stop = threading.Event()
        self._done: asyncio.Future[None] | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the thread is at work."""
        return self._done is not None and not self._done.done()

    def start(self) -> None:
        """Begin; called in the event loop. An earlier run that still hangs is left behind."""
        stop = self._stop = threading.Event()
        # What it does from now on is not part of what had it started, a request for a restart say.
        nothing = contextvars.Context()
        self._done = nothing.run(call_in_thread, lambda: self._work(stop), self.name)

    def ask_to_stop(self) -> None:
        """Tell the thread to end, and do not wait for it."""
        self._stop.set()

    async def stop(self) -> None:
        """Tell the thread to end and wait for it, however long that takes; never raises for it."""
        self._stop.set()
        if self._done is not None:
            await asyncio.wait({self._done})
            if not self._done.cancelled():
                # Read, so that asyncio does not complain; `failed` told it to those who asked.
                self._done.exception()

    async def failed(self) -> BaseException:
        """Wait until the thread ends without having been told to; gives why."""
        if self._done is None:
            return RuntimeError(f"{self.name} was never started")
        stop = self._stop
        await asyncio.wait({self._done})
        if stop.is_set():
            await asyncio.Event().wait()
        error = self._done.exception()
        return error or RuntimeError(f"{self.name} ended although nobody told it to")
