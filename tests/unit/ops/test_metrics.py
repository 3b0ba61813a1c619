"""Metrics: the exact page, exact names, and series that go with what they were about."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from vipcast.model.errors import Finding
from vipcast.model.reasons import Reason
from vipcast.ops import families
from vipcast.ops.family import Family
from vipcast.ops.metrics import ControllerMetrics, SpeakerMetrics
from vipcast.ops.parser import version
from vipcast.ops.samples import (
    ControllerSample,
    InterfaceSample,
    PeerSample,
    PoolSample,
    SegmentSample,
    SpeakerSample,
)
from vipcast.ports import SourceHealth

HEALTHY = SourceHealth(alive=True, synced=True)
PROBLEM = Finding("bad.yaml", "line 3", "", "The file cannot be parsed.", "Close the quote.")
FULL = SpeakerSample(
    announced=(("default/web", "192.0.2.10"),),
    unannounced={Reason.NO_ENDPOINTS: 2},
    verdicts=(
        ("192.0.2.10", "answered", 7),
        ("192.0.2.10", "dropped_lease_over", 2),
        ("192.0.2.10", "passed_other_mac", 1),
        ("192.0.2.11", "answered", 0),
        ("192.0.2.11", "dropped_elsewhere", 5),
        ("192.0.2.11", "dropped_fenced", 0),
    ),
    greeted={"192.0.2.10": 6},
    ungreeted=1,
    lease_gaps=2,
    interfaces=(InterfaceSample("lan0", "generic", True), InterfaceSample("lan1", "", False)),
    segments=(SegmentSample("lan0", 2, frozenset({Reason.LEARNING}), 30, 58, {"badTag": 4}),),
    hello_failures={"ENETDOWN": 3},
)


def speaker(sample: Callable[[], SpeakerSample], health: SourceHealth = HEALTHY) -> SpeakerMetrics:
    return SpeakerMetrics(node="node-1", source=lambda: health, lag=lambda: 0.25, read=sample)


def samples(text: bytes, prefix: str = "") -> list[str]:
    """Lines with values, without what the operating system says about the process."""
    lines = text.decode().splitlines()
    return [s for s in lines if s.startswith(prefix) and not s.startswith(("#", "process_"))]


def test_a_speakers_page_is_this() -> None:
    metrics = speaker(lambda: FULL, SourceHealth(alive=True, synced=True, problems=(PROBLEM,)))
    metrics.config(loaded=True, stale=True, findings=3, warnings=2)
    metrics.handled()
    metrics.handled(failed=True)
    metrics.took(Reason.FIRST_CLAIM)
    metrics.took(Reason.HOLDER_LOST, 1.4)
    metrics.gave_up(Reason.HIGHER_EPOCH)
    assert samples(metrics.take().text()) == [
        f'vipcast_build_info{{version="{version()}"}} 1.0',
        "metallb_k8s_client_updates_total 2.0",
        "metallb_k8s_client_update_errors_total 1.0",
        "metallb_k8s_client_config_loaded_bool 1.0",
        "metallb_k8s_client_config_stale_bool 1.0",
        "vipcast_config_findings 3.0",
        "vipcast_config_warnings 2.0",
        "vipcast_source_alive 1.0",
        "vipcast_source_synced 1.0",
        "vipcast_source_problems 1.0",
        "vipcast_loop_lag_seconds 0.25",
        (
            'metallb_speaker_announced{ip="192.0.2.10",node="node-1",protocol="layer2",'
            'service="default/web"} 1.0'
        ),
        'vipcast_unannounced{reason="noEndpoints"} 2.0',
        'metallb_layer2_requests_received{ip="192.0.2.10"} 10.0',
        'metallb_layer2_requests_received{ip="192.0.2.11"} 5.0',
        'metallb_layer2_responses_sent{ip="192.0.2.10"} 7.0',
        'metallb_layer2_responses_sent{ip="192.0.2.11"} 0.0',
        'vipcast_layer2_dropped_total{ip="192.0.2.10",reason="leaseOver"} 2.0',
        'vipcast_layer2_dropped_total{ip="192.0.2.11",reason="elsewhere"} 5.0',
        'vipcast_layer2_passed_total{ip="192.0.2.10",reason="otherMac"} 1.0',
        'metallb_layer2_gratuitous_sent{ip="192.0.2.10"} 6.0',
        "vipcast_layer2_gratuitous_failed_total 1.0",
        'vipcast_layer2_interface_answering{interface="lan0",mode="generic"} 1.0',
        'vipcast_layer2_interface_answering{interface="lan1",mode=""} 0.0',
        'vipcast_layer2_condition{interface="lan0",reason="learning"} 1.0',
        'vipcast_layer2_members{interface="lan0"} 2.0',
        'vipcast_layer2_hellos_sent_total{interface="lan0"} 30.0',
        'vipcast_layer2_hellos_received_total{interface="lan0"} 58.0',
        'vipcast_layer2_hellos_rejected_total{interface="lan0",reason="badTag"} 4.0',
        'vipcast_layer2_hello_failures_total{cause="ENETDOWN"} 3.0',
        'vipcast_layer2_taken_total{reason="firstClaim"} 1.0',
        'vipcast_layer2_taken_total{reason="holderLost"} 1.0',
        'vipcast_layer2_given_up_total{reason="higherEpoch"} 1.0',
        "vipcast_layer2_lease_gaps_total 2.0",
        'vipcast_layer2_takeover_seconds_bucket{le="0.1"} 0.0',
        'vipcast_layer2_takeover_seconds_bucket{le="0.25"} 0.0',
        'vipcast_layer2_takeover_seconds_bucket{le="0.5"} 0.0',
        'vipcast_layer2_takeover_seconds_bucket{le="0.75"} 0.0',
        'vipcast_layer2_takeover_seconds_bucket{le="1.0"} 0.0',
        'vipcast_layer2_takeover_seconds_bucket{le="1.25"} 0.0',
        'vipcast_layer2_takeover_seconds_bucket{le="1.5"} 1.0',
        'vipcast_layer2_takeover_seconds_bucket{le="2.0"} 1.0',
        'vipcast_layer2_takeover_seconds_bucket{le="3.0"} 1.0',
        'vipcast_layer2_takeover_seconds_bucket{le="5.0"} 1.0',
        'vipcast_layer2_takeover_seconds_bucket{le="10.0"} 1.0',
        'vipcast_layer2_takeover_seconds_bucket{le="+Inf"} 1.0',
        "vipcast_layer2_takeover_seconds_count 1.0",
        "vipcast_layer2_takeover_seconds_sum 1.4",
    ]


def test_a_controllers_page_is_this() -> None:
    sample = ControllerSample(
        pools=(PoolSample("home", 20, 0, 3, 0, 2), PoolSample("six", 0, 1 << 64, 0, 1, 1)),
        without_address={Reason.POOL_EXHAUSTED: 1},
    )
    metrics = ControllerMetrics(source=lambda: HEALTHY, lag=lambda: 0.0, read=lambda: sample)
    assert samples(metrics.take().text())[11:] == [
        'metallb_allocator_addresses_total{pool="home"} 20.0',
        'metallb_allocator_addresses_total{pool="six"} 1.8446744073709552e+19',
        'metallb_allocator_ipv4_addresses_total{pool="home"} 20.0',
        'metallb_allocator_ipv4_addresses_total{pool="six"} 0.0',
        'metallb_allocator_ipv6_addresses_total{pool="home"} 0.0',
        'metallb_allocator_ipv6_addresses_total{pool="six"} 1.8446744073709552e+19',
        'metallb_allocator_addresses_in_use_total{pool="home"} 3.0',
        'metallb_allocator_addresses_in_use_total{pool="six"} 1.0',
        'metallb_allocator_ipv4_addresses_in_use_total{pool="home"} 3.0',
        'metallb_allocator_ipv4_addresses_in_use_total{pool="six"} 0.0',
        'metallb_allocator_ipv6_addresses_in_use_total{pool="home"} 0.0',
        'metallb_allocator_ipv6_addresses_in_use_total{pool="six"} 1.0',
        'metallb_allocator_services_allocated_total{pool="home"} 2.0',
        'metallb_allocator_services_allocated_total{pool="six"} 1.0',
        'vipcast_services_without_address{reason="poolExhausted"} 1.0',
    ]


def test_the_series_of_a_vip_that_is_gone_are_gone() -> None:
    now = FULL
    metrics = speaker(lambda: now)
    assert b"192.0.2.10" in metrics.take().text()
    now = SpeakerSample()
    text = metrics.take().text()
    assert b"192.0.2" not in text
    assert b"lan0" not in text
    assert samples(text, "metallb_speaker") == []


def test_a_page_stays_as_it_was_taken() -> None:
    now = FULL
    metrics = speaker(lambda: now)
    page = metrics.take()
    now = SpeakerSample()
    assert b"192.0.2.10" in page.text()


def test_the_process_tells_its_own_memory_and_open_files() -> None:
    text = speaker(SpeakerSample).take().text()
    names = ("process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds_total")
    for name in names:
        assert re.search(rf"^{name} [0-9.e+]+$".encode(), text, re.MULTILINE)


def test_two_programs_in_one_process_share_nothing() -> None:
    one, other = speaker(SpeakerSample), speaker(SpeakerSample)
    one.handled()
    line = "metallb_k8s_client_updates_total"
    assert samples(one.take().text(), line) == [f"{line} 1.0"]
    assert samples(other.take().text(), line) == [f"{line} 0.0"]


POOLS = ControllerSample((PoolSample("p", 1, 0, 1, 0, 1),), {Reason.NO_CONFIG: 1})


ROUTER = PeerSample("192.0.2.1:179", up=False, errors={"sent": "Cease"}, without_bfd=True)


def _full_speaker() -> bytes:
    metrics = speaker(lambda: replace(FULL, peers=(ROUTER,)))
    metrics.took(Reason.FIRST_CLAIM)
    metrics.gave_up(Reason.NOT_WANTED)
    return metrics.take().text()


def _full_controller() -> bytes:
    read = ControllerMetrics(source=lambda: HEALTHY, lag=lambda: 0.0, read=lambda: POOLS)
    return read.take().text()


@pytest.mark.parametrize(
    ("declared", "page"),
    [(families.SPEAKER, _full_speaker), (families.CONTROLLER, _full_controller)],
)
def test_every_declared_family_appears_with_its_help_its_type_and_its_labels(
    declared: tuple[Family, ...], page: Callable[[], bytes]
) -> None:
    text = page().decode()
    for family in declared:
        assert f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.type}\n" in text
        sample = re.search(rf"^{family.name}(?:_bucket)?(?:{{(.*)}})? ", text, re.MULTILINE)
        assert sample is not None, family.name
        labels = tuple(re.findall(r'(\w+)="', sample.group(1) or ""))
        wanted = ("le",) if family.type == "histogram" else tuple(sorted(family.labels))
        assert labels == wanted, family.name
    assert "untyped" not in text


def test_metallbs_names_are_spelled_as_its_users_know_them() -> None:
    ours = {family.name for family in (*families.SPEAKER, *families.CONTROLLER)}
    assert {name.removeprefix("metallb_") for name in ours if name.startswith("metallb_")} == {
        "allocator_addresses_total",
        "allocator_ipv4_addresses_total",
        "allocator_ipv6_addresses_total",
        "allocator_addresses_in_use_total",
        "allocator_ipv4_addresses_in_use_total",
        "allocator_ipv6_addresses_in_use_total",
        "allocator_services_allocated_total",
        "k8s_client_updates_total",
        "k8s_client_update_errors_total",
        "k8s_client_config_loaded_bool",
        "k8s_client_config_stale_bool",
        "speaker_announced",
        "layer2_requests_received",
        "layer2_responses_sent",
        "layer2_gratuitous_sent",
        "bgp_session_up",
        "bgp_updates_total",
        "bgp_announced_prefixes_total",
        "bgp_pending_prefixes_total",
        "bgp_opens_sent",
        "bgp_opens_received",
        "bgp_notifications_sent",
        "bgp_updates_total_received",
        "bgp_keepalives_sent",
        "bgp_keepalives_received",
        "bgp_route_refresh_sent",
        "bgp_total_sent",
        "bgp_total_received",
    }


NEVER_WRONG = {
    "vipcast_build_info",
    "metallb_k8s_client_updates_total",
    "metallb_allocator_addresses_total",
    "metallb_allocator_ipv4_addresses_total",
    "metallb_allocator_ipv6_addresses_total",
    "metallb_allocator_services_allocated_total",
    "metallb_layer2_requests_received",
    "metallb_layer2_responses_sent",
    "metallb_layer2_gratuitous_sent",
    "vipcast_layer2_hellos_sent_total",
    "vipcast_layer2_hellos_received_total",
    "metallb_bgp_updates_total",
    "metallb_bgp_announced_prefixes_total",
    "metallb_bgp_opens_sent",
    "metallb_bgp_opens_received",
    "metallb_bgp_updates_total_received",
    "metallb_bgp_keepalives_sent",
    "metallb_bgp_keepalives_received",
    "metallb_bgp_route_refresh_sent",
    "metallb_bgp_total_sent",
    "metallb_bgp_total_received",
    "vipcast_bgp_last_error",
}
"""Metrics that no value of theirs calls for anything to be done."""

STEPS = ("add", "create", "give", "look", "mend", "run", "see", "start")


@pytest.mark.parametrize(
    "family", dict.fromkeys((*families.SPEAKER, *families.CONTROLLER)), ids=lambda one: one.name
)
def test_the_help_of_a_metric_that_can_be_wrong_says_when_it_is_and_what_to_do(
    family: Family,
) -> None:
    if family.name in NEVER_WRONG:
        assert family.help == family.meaning
        return
    told = family.help.removeprefix(f"{family.meaning} ")
    cases = re.findall(r"(?:^|; )([^:;]+): (\w+) [^;]+", told)
    assert cases, f"{family.name} does not say when it is wrong: {told}"
    assert {step for _, step in cases} <= set(STEPS), told
