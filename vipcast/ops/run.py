"""The life of a process: run until it is done, told to stop, or anything fails.

main ends by itself                      0
SIGTERM or SIGINT, then main ends        0    a second signal does not wait for main
main, a task or a callback fails         1    logged; a VipcastError as its sentence, else a trace
bad flags                                2    (vipcast.ops.flags)
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

from vipcast.model.errors import VipcastError
from vipcast.ops import log, memory
from vipcast.ops.parser import version

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2

Main = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


def run(main: Main, logger: logging.Logger) -> int:
    """Run `main(stop)` to its end; returns the exit code. `stop` is set by SIGTERM and SIGINT.

    An exception that leaves main, that a callback of the loop raises, or that nobody awaits, is
    logged and ends the program. Start tasks in an asyncio.TaskGroup: it brings theirs to main at
    once, where a task that is merely kept brings its own only when it is forgotten.
    """
    log.event(logger, "starting", "program starts", version=version())
    memory.spare()
    life = _Life(logger)
    asyncio.run(life.live(main))
    code = FAILED if life.failed else OK
    log.event(logger, "stopped", "program ends", code=code)
    return code


class _Life:
    def __init__(self, logger: logging.Logger) -> None:
        self.failed = False
        self._hurry = False
        self._logger = logger
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def live(self, main: Main) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._unhandled)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number)
        self._task = asyncio.create_task(main(self._stop), name="main")
        tidy = asyncio.create_task(memory.give_back(), name="memory")
        await asyncio.wait((self._task,))
        tidy.cancel()
        if self._task.cancelled():
            if not (self.failed or self._hurry):
                self._tell(RuntimeError("main was cancelled, and nobody had asked for it"))
        elif (error := self._task.exception()) is not None:
            self._tell(error)

    def _signalled(self, number: signal.Signals) -> None:
        self._hurry = self._stop.is_set()
        log.event(self._logger, "stopping", "told to stop", signal=number.name, hurry=self._hurry)
        self._stop.set()
        if self._hurry and self._task is not None:
            self._task.cancel()

    def _unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio would only print: callbacks that raise, tasks that nobody awaited."""
        error = context.get("exception") or RuntimeError(context["message"])
        self._tell(error)
        if self._task is not None:
            self._task.cancel()

    def _tell(self, error: BaseException) -> None:
        self.failed = True
        for single in _singles(error):
            if isinstance(single, VipcastError):
                log.failure(self._logger, "run", "program cannot go on", single)
            else:
                log.fault(self._logger, "run", "program cannot go on", single)


def _singles(error: BaseException) -> Iterator[BaseException]:
    """The errors inside a group of errors, however deep."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _singles(inner)
    else:
        yield error
