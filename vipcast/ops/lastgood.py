"""The last good configuration on disk, so that a restart under a bad one loses nothing.

A bad configuration never replaces a good one while a program runs. This file in the run directory
makes it hold over a restart as well: the program begins with what was in force when it ended.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from pathlib import Path
from typing import Any

from vipcast.model.raw import Raw
from vipcast.ops.log import failure

log = logging.getLogger(__name__)


class LastGood:
    """RUN_DIR/PROGRAM.config.json: the object whose configuration was last put in force."""

    def __init__(self, run_dir: Path, program: str) -> None:
        self._path = run_dir / f"{program}.config.json"

    def recall(self) -> dict[str, Any] | None:
        """The object, None if there is none or it cannot be read (which the log says)."""
        try:
            found = json.loads(self._path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            failure(log, "recallConfig", f"{self._path} is not used", error)
            return None
        if not isinstance(found, dict):
            failure(log, "recallConfig", f"{self._path} is not used", "it holds no object")
            return None
        return found

    def remember(self, raw: Raw) -> None:
        """Keep the object; the file is replaced as a whole. A failure is logged, no more.

        There may be passwords in it, so it is its owner's alone.
        """
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            fresh.unlink(missing_ok=True)  # of a process of this number that was killed
            fresh.touch(0o600, exist_ok=False)
            fresh.write_text(json.dumps(raw))
            fresh.replace(self._path)
        except OSError as error:
            failure(log, "rememberConfig", "a restart may forget the configuration", error)
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
