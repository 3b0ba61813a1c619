"""What is said of connections that cannot be had; the kernel's own answers are in tests/lab."""

from __future__ import annotations

import errno
import os
from ipaddress import IPv4Address

import pytest

from speaker.adapters.bgp_tcp import failures
from speaker.ports import Target
from vipcast.model.errors import LinkError

TARGET = Target(IPv4Address("192.0.2.1"))


def failed(code: int, *, connected: bool = False) -> LinkError:
    return failures.failed(OSError(code, os.strerror(code)), TARGET, connected=connected)


def test_of_a_router_that_refuses_it_is_said_what_may_be_missing_there() -> None:
    refused = failed(errno.ECONNREFUSED)
    assert str(refused) == "192.0.2.1:179 refuses the connection."
    assert refused.hint == (
        "Does BGP run there, and on that port? Some routers refuse whoever is not their neighbour, "
        "too: is this node one of them?"
    )


@pytest.mark.parametrize("code", [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL])
def test_what_says_where_to_look_by_itself_has_no_hint(code: int) -> None:
    assert failed(code).hint == ""


def test_a_connection_that_stood_was_not_refused() -> None:
    assert failed(errno.ECONNREFUSED, connected=True).hint == ""
