"""Which mode is tried first on which kind of link."""

from __future__ import annotations

import pytest

from speaker.adapters.attach.attacher import order_of
from vipcast.model.xdp import XdpMode

NATIVE, GENERIC = XdpMode.NATIVE, XdpMode.GENERIC


def test_a_network_card_is_tried_native_first() -> None:
    assert order_of("", XdpMode.AUTO)[0] == (NATIVE, GENERIC)


@pytest.mark.parametrize("kind", ["veth", "bridge", "vlan", "bond", "macvlan", "tun"])
def test_a_virtual_link_is_tried_generic_first(kind: str) -> None:
    modes, why = order_of(kind, XdpMode.AUTO)
    assert modes == (GENERIC, NATIVE)
    assert kind in why


@pytest.mark.parametrize("kind", ["", "veth"])
@pytest.mark.parametrize("mode", [NATIVE, GENERIC])
def test_a_mode_that_was_asked_for_is_the_only_one_tried(kind: str, mode: XdpMode) -> None:
    assert order_of(kind, mode) == ((mode,), f"Mode {mode} was asked for.")
