"""What was logged, as values: the fields of each line that the programs' own functions make."""

from __future__ import annotations

from typing import Any

import pytest


def logged(caplog: pytest.LogCaptureFixture, *words: str) -> list[dict[str, Any]]:
    """The fields of every line, with level and message; of these events and operations only."""
    found = [
        {"level": record.levelname, "msg": record.getMessage(), **vars(record)["vipcast"]}
        for record in caplog.records
        if "vipcast" in vars(record)
    ]
    return [line for line in found if not words or (line.get("event") or line["op"]) in words]
