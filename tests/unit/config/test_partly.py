"""A BGPPeer that is not right spoils nothing else, and stays as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.config.making import (
    SYSTEM,
    bfd_profile,
    bgp_ad,
    bgp_peer,
    config_map,
    ip_pool,
    l2,
    label,
    loaded,
    match,
    of_objects,
)
from vipcast.config import ConfigKeeper, Context, Inputs, PeersRefusedError, parse, restored
from vipcast.config.config import Config, RefusedPeer
from vipcast.config.keeper import ConfigState
from vipcast.model.errors import ConfigError, Finding
from vipcast.model.objects import Node

NODES = Context((Node("n1", {"rack": "1"}), Node("n2", {"rack": "2"})))
SSD = match(disk="ssd")
POOL, MORE = ip_pool("a"), ip_pool("b", "198.51.100.0/24")
TOR, SPINE = bgp_peer("tor"), bgp_peer("spine", peerAddress="10.0.0.2")
BAD = bgp_peer("tor", peerAddress="10.0.0.300")
FINDING = Finding(
    f"BGPPeer {SYSTEM}/tor",
    "spec.peerAddress",
    "10.0.0.300",
    "'10.0.0.300' is not an IP address.",
    "Write an address such as 192.0.2.1.",
)


def keeper(node: str = "") -> ConfigKeeper:
    return ConfigKeeper(SYSTEM, node=node)


def in_order(config: Config | None) -> Config | None:
    """A configuration whose warnings, as many as they are, stand in one order."""
    return config and replace(config, warnings=tuple(sorted(config.warnings, key=str)))


def again(one: ConfigKeeper) -> ConfigKeeper:
    """The program after a restart."""
    assert one.good is not None
    fresh = keeper(one.node)
    fresh.feed(restored(json.loads(json.dumps(one.good.saved())), SYSTEM))
    return fresh


def test_a_peer_that_is_wrong_leaves_all_else_to_be_put_in_force() -> None:
    with pytest.raises(PeersRefusedError) as caught:
        parse(of_objects(POOL, BAD, SPINE))
    assert caught.value.rest == loaded(POOL, SPINE)
    assert caught.value.refused == (RefusedPeer("tor", (), (FINDING,)),)
    assert keeper().feed(of_objects(POOL, BAD, SPINE)) == ConfigState(
        loaded(POOL, SPINE), (FINDING,), stale=True, changed=True
    )


def test_whatever_else_is_wrong_is_told_with_it_and_keeps_all_as_it_was() -> None:
    broken = (POOL, BAD, l2("ad", ipAddressPools=["c"]))
    with pytest.raises(ConfigError) as caught:
        parse(of_objects(*broken))
    assert not isinstance(caught.value, PeersRefusedError)
    assert [one.object for one in caught.value.findings] == [
        f"L2Advertisement {SYSTEM}/ad",
        f"BGPPeer {SYSTEM}/tor",
    ]
    one = keeper()
    one.feed(of_objects(POOL, TOR))
    assert one.feed(of_objects(*broken)).config == loaded(POOL, TOR)


def test_one_that_was_right_stays_as_it_was_beside_all_that_is_new() -> None:
    one = keeper()
    one.feed(of_objects(POOL, TOR))
    state = one.feed(of_objects(POOL, MORE, BAD, SPINE, bgp_ad("ad", peers=["tor"])))
    whole = loaded(POOL, MORE, TOR, SPINE, bgp_ad("ad", peers=["tor"]))
    assert in_order(state.config) == in_order(whole)
    assert (state.findings, state.stale, state.changed) == ((FINDING,), True, True)
    after = again(one).state
    assert (in_order(after.config), after.stale, after.changed) == (in_order(whole), False, True)
    assert one.feed(of_objects(POOL, MORE, TOR, SPINE)).findings == ()
    assert one.feed(of_objects(POOL, MORE, SPINE)).config == loaded(POOL, MORE, SPINE)


def test_a_profile_that_is_deleted_stays_for_the_peer_that_names_it() -> None:
    before = (bgp_peer("tor", bfdProfile="fast"), bfd_profile("fast", echoInterval=99))
    one = keeper()
    one.feed(of_objects(*before))
    state = one.feed(of_objects(before[0], POOL))
    assert [found.field for found in state.findings] == ["spec.bfdProfile"]
    whole = loaded(*before, POOL)
    assert in_order(state.config) == in_order(whole)
    assert in_order(again(one).state.config) == in_order(whole)
    assert one.feed(of_objects(POOL)).config == loaded(POOL)


def test_of_two_peers_over_one_connection_the_one_in_force_stays() -> None:
    one = keeper()
    one.feed(of_objects(TOR))
    state = one.feed(of_objects(TOR, bgp_peer("again")))
    assert (state.config, len(state.findings), state.changed) == (loaded(TOR), 2, False)


def test_two_in_force_that_come_to_share_a_node_stay_and_hold_up_nothing() -> None:
    one = keeper()
    both = (bgp_peer("a", nodeSelectors=[match(rack="1")]), bgp_peer("b", nodeSelectors=[SSD]))
    one.feed(of_objects(*both, context=NODES))
    nodes = Context((Node("n1", {"rack": "1", "disk": "ssd"}),))
    state = one.feed(of_objects(*both, POOL, context=nodes))
    assert (in_order(state.config), len(state.findings)) == (in_order(loaded(*both, POOL)), 2)


def test_what_was_right_and_cannot_be_beside_what_is_new_keeps_all_as_it_was() -> None:
    one = keeper()
    one.feed(of_objects(POOL, TOR))
    before = ConfigState(loaded(POOL, TOR), (FINDING,), stale=True)
    assert one.feed(of_objects(MORE, BAD, bgp_peer("other"))) == before
    assert one.feed(of_objects(ip_pool("c", "10.0.0.0/24"), BAD)) == before
    assert one.good == of_objects(POOL, TOR)


def test_a_peer_of_the_config_map_is_none_that_an_object_had() -> None:
    one = keeper()
    text = "peers: [{my-asn: 1, peer-asn: 2, peer-address: 10.0.0.9}]"
    one.feed(Inputs(SYSTEM, config_map=config_map(text)))
    state = one.feed(of_objects(POOL, bgp_peer("peer1", myASN=0)))
    assert (state.config, state.stale) == (loaded(POOL), True)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, {"n1", "n2", "n3", ""}),
        ({"nodeSelectors": [match(rack="1")]}, {"n1", "n3", ""}),
        ({"nodeSelectors": [match(rack="9")]}, {"n3", ""}),
        ({"nodeSelectors": [{"matchLabel": {}}, match(rack="9")]}, {"n1", "n2", "n3", ""}),
    ],
)
def test_nodes_that_it_is_not_for_are_not_told(spec: dict[str, Any], told: set[str]) -> None:
    inputs = of_objects(POOL, {**BAD, "spec": {**BAD["spec"], **spec}}, context=NODES)
    for name in ("n1", "n2", "n3", ""):
        state = keeper(name).feed(inputs)
        assert state.config == loaded(POOL)
        assert (bool(state.findings), state.stale) == (name in told, name in told)


def test_a_node_that_it_was_for_is_told() -> None:
    first = bgp_peer("tor", nodeSelectors=[match(rack="1")])
    then = {**BAD, "spec": {**BAD["spec"], "nodeSelectors": [match(rack="2")]}}
    for name in ("n1", "n2"):
        one = keeper(name)
        one.feed(of_objects(first, context=NODES))
        state = one.feed(of_objects(then, context=NODES))
        assert (state.findings, state.changed) == ((FINDING,), False)
        assert state.config is not None
        assert [peer.nodes for peer in state.config.peers] == [(label("rack", "1"),)]


EDITS = st.fixed_dictionaries(
    {
        "tor": st.sampled_from([None, TOR, BAD, bgp_peer("tor", bfdProfile="fast")]),
        "spine": st.sampled_from([None, SPINE, bgp_peer("spine")]),
        "fast": st.sampled_from([None, bfd_profile("fast")]),
        "pool": st.sampled_from([POOL, MORE, ip_pool("c", "10.0.0.0/24")]),
        "ad": st.sampled_from([None, bgp_ad("ad", peers=["tor"])]),
    }
)


def put(inputs: Inputs, config: Config | None) -> Config | None:
    """What may come of inputs besides what was before, where peers of `config` may be kept."""
    try:
        return parse(inputs)
    except PeersRefusedError as error:
        rest, names = error.rest, {each.name for each in error.refused}
    except ConfigError:
        return None
    assert config is not None
    kept = {peer for peer in config.peers if peer.name in names}
    assert set(config.peers) - kept == set(rest.peers)
    assert set(rest.warnings) <= set(config.warnings)
    return replace(
        rest,
        peers=config.peers,
        bfd_profiles=config.bfd_profiles,
        warnings=config.warnings,
    )


@given(st.lists(EDITS, max_size=6))
def test_after_any_history_a_restart_finds_what_was_in_force(history: list[dict[str, Any]]) -> None:
    one = keeper()
    for edit in history:
        inputs = of_objects(*(raw for raw in edit.values() if raw is not None), context=NODES)
        before = one.state.config
        state = one.feed(inputs)
        assert state.changed == (state.config != before)
        assert state.stale == bool(state.findings)
        assert state.config == before or state.config == put(inputs, state.config)
        if state.config is not None:
            found = again(one).state.config
            assert found is not None
            assert in_order(found) == in_order(state.config)
