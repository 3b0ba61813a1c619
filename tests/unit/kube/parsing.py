"""What is found in objects that cannot be read."""

from __future__ import annotations

from typing import Any

import pytest

from vipcast.kube.parse import parse_service
from vipcast.model.errors import Finding, ParseError


def refused(raw: Any, parse: Any = parse_service) -> Finding:
    """The first finding about an object that cannot be read."""
    with pytest.raises(ParseError) as caught:
        parse(raw)
    return caught.value.finding


def everything(raw: Any, parse: Any = parse_service) -> ParseError:
    """All findings about an object that cannot be read."""
    with pytest.raises(ParseError) as caught:
        parse(raw)
    return caught.value
