"""Services of IPv6: which address they get, and what of IPv6 is not served yet."""

from __future__ import annotations

import pytest

import controller.allocator
import controller.ledger
import controller.slots
from controller.reconcile import decide
from controller.sharing import Sharing
from tests.support.steps import steps
from tests.unit.controller.deciding import gift, ledger, refusal
from tests.unit.controller.making import ip, key, pool, service
from vipcast.config import Config
from vipcast.model.addresses import Family
from vipcast.model.advertisement import BgpAdvertisement, L2Advertisement
from vipcast.model.objects import Port, Service
from vipcast.model.reasons import Reason

VAST = pool("vast", "2001:db8::/64")
BOTH = pool("both", "10.0.0.0/8", "2001:db8:1::/64", "2001:db8:2::/64", avoid_buggy=True)
ALL = frozenset({"vast", "both"})
SIX = Config((VAST, BOTH), l2=(L2Advertisement("all", ALL),), bgp=(BgpAdvertisement("all", ALL),))


def six(name: str, **fields: object) -> Service:
    """A Service of IPv6 alone."""
    return service(name, **{"families": (Family.IPV6,), **fields})


def test_a_service_of_ipv6_gets_the_first_free_address_of_its_family() -> None:
    assert decide(six("web"), SIX, ledger(SIX)) == gift("web", "2001:db8::", "vast")
    taken = ledger(SIX, other="2001:db8::")
    assert decide(six("web"), SIX, taken) == gift("web", "2001:db8::1", "vast")
    assert decide(service("web"), SIX, taken) == gift("web", "10.0.0.1", "both")


@pytest.mark.parametrize(
    ("fields", "address", "of"),
    [
        ({"pool_wish": "both"}, "2001:db8:1::", "both"),
        ({"requested": ("2001:DB8:2:0::ff",)}, "2001:db8:2::ff", "both"),
        ({"requested": ("2001:db8:2::",), "pool_wish": "both"}, "2001:db8:2::", "both"),
    ],
)
def test_a_service_of_ipv6_gets_what_it_asks_for(
    fields: dict[str, object], address: str, of: str
) -> None:
    assert decide(six("web", **fields), SIX, ledger(SIX)) == gift("web", address, of)


def test_of_both_families_the_ipv4_address_that_is_asked_for_is_given() -> None:
    asked = ("2001:db8::9", "10.0.0.9")
    dual = service("web", requested=asked, families=(Family.IPV6, Family.IPV4))
    assert decide(dual, SIX, ledger(SIX)) == gift("web", "10.0.0.9", "both")


@pytest.mark.parametrize(
    "families", [(Family.IPV4, Family.IPV6), (Family.IPV6, Family.IPV4)], ids=["4 and 6", "6 and 4"]
)
def test_of_both_families_a_service_is_told_that_its_pools_have_the_other_one_alone(
    families: tuple[Family, ...],
) -> None:
    config = Config((VAST,))
    dual = service("web", families=families)
    assert decide(dual, config, ledger(config)) == refusal(
        dual,
        Reason.FAMILY_UNSUPPORTED,
        "This version announces IPv6 by BGP alone, and gives each Service one address. Of a Service"
        " of both families it is the IPv4 one, and what this one may have holds none (pools: vast)."
        " Add IPv4 addresses to a pool, or let ipFamilies name the other family alone.",
    )


def test_an_ipv6_address_is_shared_as_any_other() -> None:
    first = six("first", sharing_key="k", ports=(Port("TCP", 80),))
    book = ledger(SIX)
    book.hold(first.key, ip("2001:db8::"), Sharing.of(first))
    joining = six("web", sharing_key="k", ports=(Port("UDP", 80),))
    assert decide(joining, SIX, book) == gift("web", "2001:db8::", "vast")
    clashing = six("web", sharing_key="k", ports=(Port("TCP", 80),))
    assert decide(clashing, SIX, book) == gift("web", "2001:db8::1", "vast")


def test_a_pool_that_is_announced_on_segments_alone_is_no_good_for_ipv6() -> None:
    config = Config((VAST,), l2=SIX.l2)
    outcome = decide(six("web"), config, ledger(config))
    lacking = (
        "This version announces IPv6 by BGP alone, and gives each Service one address."
        " Pool vast is announced on segments only; write a BGPAdvertisement for it."
    )
    assert outcome.reason is Reason.FAMILY_UNSUPPORTED
    assert outcome.message == f"2001:db8:: from pool vast. {lacking}"
    assert outcome.status is not None
    assert outcome.status.ingress == ("2001:db8::",)
    assert outcome.events[-1].reason == "NotAnnounced"
    told = Config((VAST,), l2=config.l2, bgp=SIX.bgp)
    assert decide(six("web"), told, ledger(told)) == gift("web", "2001:db8::", "vast")


def test_a_full_pool_is_counted_by_the_family_that_is_asked_for() -> None:
    config = Config((pool("both", "192.0.2.0/24", "2001:db8::/127"),))
    full = ledger(config, a="2001:db8:: 2001:db8::1")
    assert decide(six("web"), config, full) == refusal(
        six("web"),
        Reason.POOL_EXHAUSTED,
        "Every address that this Service may have is taken: pool both (2 of 2 in use)."
        " Add addresses to a pool, or delete a Service that is no longer needed.",
    )
    assert decide(service("web"), config, full) == gift("web", "192.0.2.0", "both")


@pytest.mark.parametrize("network", ["2001:db8::/64", "2000::/3"])
def test_a_vast_pool_gives_addresses_as_quickly_as_a_small_one(network: str) -> None:
    config = Config((pool("vast", network),))
    book = ledger(config)
    first = decide(six("first"), config, book).assignment
    assert first is not None
    book.hold(key("first"), first.address)

    def choose() -> None:
        assert decide(six("web"), config, book).assignment is not None

    assert steps(choose, controller.ledger, controller.slots, controller.allocator) < 200
