"""docs/parity.md names every key that a configuration may have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from vipcast.config import advertisements, bfd, bgpkinds, bgppeers, configmap, kinds, peers, pools
from vipcast.kube.unread import UNREAD
from vipcast.model.raw import VERSIONS

PAGE = (Path(__file__).parents[2] / "docs" / "parity.md").read_text()


def named_under(heading: str) -> set[str]:
    """The words in the first column of the tables below a heading."""
    section = PAGE.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    assert section, f"docs/parity.md has no section {heading}"
    cells = (line.split("|")[1] for line in section.splitlines() if line.startswith("|"))
    return {word for cell in cells for word in re.findall(r"[A-Za-z0-9][\w-]+", cell)}


@pytest.mark.parametrize(
    "keys",
    [configmap.KEYS, pools.KEYS, advertisements.KEYS, peers.KEYS, bfd.KEYS],
    ids=["top", "pool", "bgp-advertisements", "peer", "bfd-profile"],
)
def test_every_key_of_the_config_map_is_on_the_page(keys: Iterable[str]) -> None:
    assert set(keys) <= named_under("Configuration: the ConfigMap of MetalLB up to 0.12")


@pytest.mark.parametrize(
    "keys",
    [
        *(kinds.POOL_KEYS, kinds.ALLOCATION_KEYS, kinds.L2_KEYS, kinds.PREFERENCE_KEYS),
        *(bgppeers.KEYS, bgppeers.SECRET_KEYS, bgpkinds.ADVERTISEMENT_KEYS),
        *(bgpkinds.COMMUNITY_KEYS, bgpkinds.ALIAS_KEYS, bgpkinds.PROFILE_KEYS),
    ],
)
def test_every_field_of_metallb_s_kinds_is_on_the_page(keys: Iterable[str]) -> None:
    assert set(keys) <= named_under("Configuration: kinds of metallb.io")


def test_every_kind_that_is_not_read_and_that_users_write_is_on_the_page() -> None:
    named = named_under("Configuration: kinds of metallb.io")
    written = {
        kind.name
        for kind in (*UNREAD, *VERSIONS)
        if kind.group == "metallb.io" and not kind.name.endswith(("Status", "State"))
    }
    assert written - {"MetalLB"} <= named
