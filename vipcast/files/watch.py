"""Waking up when something below a directory changes.

The kernel's notifications come through watchfiles' own thread. Where they are not to be had (the
limit of watches is reached, the directory is gone) the wait is short instead, and everything is
looked at: `trouble` says why.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Executor
from pathlib import Path

from watchfiles._rust_notify import RustNotify

STEP = 0.02
"""Seconds between two looks at what has arrived; what arrives within them goes together."""

GATHER = 0.04
"""Seconds after which what has arrived is handed on, though more is arriving."""

POLL = 0.1
"""Seconds between two looks at everything where there is no watch."""


class Watcher:
    """Watches one directory at a time, with everything below it."""

    def __init__(self, root: Path, executor: Executor) -> None:
        self.trouble = ""
        self._root = root
        self._executor = executor
        self._notify: RustNotify | None = None
        self._identity: tuple[int, int] | None = None
        self._stop = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stop.is_set()

    def aim(self, *, anew: bool = False) -> bool:
        """Watch the directory that is there now; answers whether the watch is a new one.

        It is if another directory is there, or if `anew` says so: a new one may have the number of
        one that is gone.
        """
        try:
            found = self._root.stat()
            identity = (found.st_dev, found.st_ino)
        except OSError:
            identity = None
        if (
            not anew
            and identity == self._identity
            and (self._notify is not None or identity is None)
        ):
            return False
        self._close()
        self._identity = identity
        if identity is None:
            return False
        try:
            self._notify = RustNotify(
                [str(self._root)],
                debug=False,
                force_polling=False,
                poll_delay_ms=0,
                recursive=True,
                ignore_permission_denied=True,
            )
        except OSError as error:
            self.trouble = f"Changes are looked for every {POLL} s: {error}."
            return False
        self.trouble = ""
        return True

    @property
    def watching(self) -> bool:
        """Whether changes wake anybody up."""
        return self._notify is not None

    async def wait(self, timeout: float) -> frozenset[str] | None:
        """The paths that changed; None after `timeout` seconds, or when it was stopped."""
        loop = asyncio.get_running_loop()
        notify = self._notify
        if notify is None:
            await loop.run_in_executor(self._executor, self._stop.wait, timeout)
            return None
        changes = await loop.run_in_executor(
            self._executor,
            lambda: notify.watch(
                int(GATHER * 1000), int(STEP * 1000), max(1, int(timeout * 1000)), self._stop
            ),
        )
        return frozenset(path for _, path in changes) if isinstance(changes, set) else None

    def stop(self) -> None:
        """End a wait that is going on, from any thread."""
        self._stop.set()

    def close(self) -> None:
        """Give the watch back, after the last wait has ended."""
        self._stop.set()
        self._close()

    def _close(self) -> None:
        if self._notify is not None:
            self._notify.close()
            self._notify = None
