"""A folder outside the checkout for what takes long to make: made once, whole or not at all.

    ~/.cache/vipcast/           or $XDG_CACHE_HOME/vipcast, or $VIPCAST_CACHE
        NAME/                   finished, and never changed again
        .NAME/                  being made, or left by a run that was killed
        NAME.lock               held by whoever makes it, and by the commands that do the work
        go/                     Go's own caches: a build that was interrupted goes on from there

All of it may be removed at any time when nothing runs.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Say = Callable[[str], None]
"""Takes a sentence about what goes on now, for a person who waits."""


def folder() -> Path:
    """Where the cache is; it need not exist yet."""
    if own := os.environ.get("VIPCAST_CACHE"):
        return Path(own).absolute()
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG base directory specification: a path that is not absolute is to be ignored.
    return (base if base.is_absolute() else Path.home() / ".cache") / "vipcast"


def made_once(name: str, make: Callable[[Path, int], None], say: Say) -> Path:
    """The folder `name` of the cache; `make(draft, lock)` fills a new one if it is not there.

    Two processes at once: the second waits, and finds what the first has made. `lock` is a
    descriptor; a command that inherits it keeps others waiting until it has ended itself.
    """
    place = folder() / name
    if not place.is_dir():
        with _locked(folder() / f"{name}.lock", say) as lock:
            if not place.is_dir():
                draft = place.with_name(f".{name}")
                shutil.rmtree(draft, ignore_errors=True)
                draft.mkdir()
                make(draft, lock)
                draft.rename(place)
    return place


@contextmanager
def _locked(path: Path, say: Say) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that makes {path.stem}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()
