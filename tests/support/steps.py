"""What something costs in lines of code that run: the same on every machine, busy or not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any


def steps(action: Callable[[], Any], *of: ModuleType) -> int:
    """How many lines of these modules (of a package: of all that is in it) an action runs."""
    count = 0
    files = tuple(str(module.__file__).removesuffix("__init__.py") for module in of)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(files):
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    assert count > 0
    return count
