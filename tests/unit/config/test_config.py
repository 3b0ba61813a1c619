"""Which pool an address lies in."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.config.making import good, pool, pools
from vipcast.config import Config
from vipcast.model.addresses import AddressRange, Family
from vipcast.model.pool import Pool


def test_an_address_is_found_in_its_pool_whatever_the_order_of_the_entries() -> None:
    config = good(
        pools(
            pool("[192.0.2.128/25, '2001:db8::/64']", name="a"),
            pool("[192.0.2.0-192.0.2.9, 192.0.2.20/32]", name="b"),
        )
    )
    a, b = config.pools
    assert config.pool_of(IPv4Address("192.0.2.200")) is a
    assert config.pool_of(IPv6Address("2001:db8::1")) is a
    assert config.pool_of(IPv4Address("192.0.2.0")) is b
    assert config.pool_of(IPv4Address("192.0.2.20")) is b
    assert config.pool_of(IPv4Address("192.0.2.10")) is None
    assert config.pool_of(IPv4Address("192.0.1.255")) is None
    assert config.pool_of(IPv6Address(int(IPv4Address("192.0.2.0")))) is None


def test_a_pool_is_found_by_its_name() -> None:
    config = good(pools(pool(name="a")))
    assert config.pool_named("a") is config.pools[0]
    assert config.pool_named("b") is None


@given(st.sets(st.integers(0, 200), max_size=12), st.integers(0, 210))
def test_finding_a_pool_agrees_with_asking_each(edges: set[int], number: int) -> None:
    bounds = sorted(edges)
    made = tuple(
        Pool(f"p{low}", (AddressRange(Family.IPV4, low, high),))
        for low, high in zip(bounds[::2], bounds[1::2], strict=False)
    )
    address = IPv4Address(number)
    expected = next((one for one in made if address in one), None)
    assert Config(made).pool_of(address) == expected
