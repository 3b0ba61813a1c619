"""Waiting for states: the one way in which tests let time pass.

A test never sleeps for a time that it hopes to be enough. It names the state that it waits for and
a deadline far beyond what a busy machine needs; the condition is asked again and again until it is
true. What it saw last becomes part of the failure, so that the text says how things were.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

from lab.waiting import last_seen, never

Result = TypeVar("Result")

DEADLINE = 60.0
"""Seconds: long enough for racks of programs and routers that share two busy cores with others."""

PAUSE = 0.01
"""Seconds between two looks."""


class NeverTrue(AssertionError):
    """A state did not come before its deadline."""


def eventually(
    condition: Callable[[], Result],
    *,
    what: str,
    deadline: float = DEADLINE,
    wake: threading.Event | None = None,
) -> Result:
    """Ask `condition` until its answer is true, and return that answer.

    `deadline` is in seconds. `wake`, if given, is an event that somebody sets when there may be
    news; it is cleared before each look, and a look follows at once. An AssertionError out of the
    condition counts as "not yet", so it may consist of assertions and `return True`; any other
    exception is an error of its own and passes through. Raises NeverTrue after the deadline.
    """
    event = wake or threading.Event()
    seen = ""

    def look() -> Result | None:
        nonlocal seen
        event.clear()
        answer, seen = _look(condition)
        return answer

    if answer := last_seen(look, deadline, pause=PAUSE, wait=event.wait):
        return answer
    raise NeverTrue(f"{never(what, deadline)} ({seen})")


@overload
async def eventually_async(
    condition: Callable[[], Awaitable[Result]],
    *,
    what: str,
    deadline: float = DEADLINE,
    wake: asyncio.Event | None = None,
) -> Result: ...


@overload
async def eventually_async(
    condition: Callable[[], Result],
    *,
    what: str,
    deadline: float = DEADLINE,
    wake: asyncio.Event | None = None,
) -> Result: ...


async def eventually_async(
    condition: Callable[[], Any],
    *,
    what: str,
    deadline: float = DEADLINE,
    wake: asyncio.Event | None = None,
) -> Any:
    """The same in an event loop; `condition` may be a plain function or a coroutine function."""
    event = wake or asyncio.Event()
    end = time.monotonic() + deadline
    while True:
        event.clear()
        try:
            raw = condition()
            answer = await raw if inspect.isawaitable(raw) else raw
            seen = f"last answer: {answer!r}"
        except AssertionError as error:
            answer, seen = None, f"last failure: {error}"
        if answer:
            return answer
        left = end - time.monotonic()
        if left <= 0:
            raise NeverTrue(f"{never(what, deadline)} ({seen})")
        try:
            await asyncio.wait_for(event.wait(), min(PAUSE, left))
        except TimeoutError:
            continue


def _look(condition: Callable[[], Result]) -> tuple[Result | None, str]:
    try:
        answer = condition()
    except AssertionError as error:
        return None, f"last failure: {error}"
    return answer, f"last answer: {answer!r}"
