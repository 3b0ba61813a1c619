"""An event loop whose time is virtual: waiting takes no time, and every run goes the same way.

When nothing is ready the clock jumps to the next timer. What would go to a thread runs at once, and
is done THREAD seconds later.
So a test may let minutes pass, and what it sees does not depend on the machine.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

Result = TypeVar("Result")

START = 1000.0
THREAD = 0.05


class Stuck(AssertionError):
    """Everything waits, and no timer will ever end that."""


class _Selector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = START

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            if timeout is None:
                raise Stuck("everything waits, and no timer is set")
            self.now += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop; `time` is the clock of everything that runs on it."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now

    def jump(self, seconds: float) -> None:
        """Let time pass while nothing runs, as for a process that is stopped and goes on."""
        self._virtual.now += seconds

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Result], *args: Any
    ) -> asyncio.Future[Result]:
        assert executor is None, "only the default executor is replaced"
        future: asyncio.Future[Result] = self.create_future()
        try:
            result = func(*args)
        except Exception as error:  # noqa: BLE001 - handed to whoever awaits it
            done = partial(future.set_exception, error)
        else:
            done = partial(future.set_result, result)
        self.call_later(THREAD, lambda: future.cancelled() or done())
        return future


def virtually(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


async def until(condition: Callable[[], Any], what: str, within: float = 60.0) -> float:
    """Let virtual time pass until something is true; returns how long that took, in seconds."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    while not condition():
        if loop.time() - begin > within:
            raise AssertionError(f"after {within:g} virtual seconds still not so: {what}")
        await asyncio.sleep(0.005)
    return loop.time() - begin


async def pass_time(seconds: float) -> None:
    """Let virtual time pass, and everything that is due in it happen."""
    await asyncio.sleep(seconds)
