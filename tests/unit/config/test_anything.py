"""Whatever is written, a configuration or findings that can be listed come out, nothing else."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from tests.unit.config.making import SYSTEM, config_map
from vipcast.config import Config, ConfigKeeper, Context, Inputs, PeersRefusedError, parse, restored
from vipcast.config.bgpkinds import ADVERTISEMENT_KEYS, ALIAS_KEYS, PROFILE_KEYS
from vipcast.config.bgppeers import KEYS as PEER_KEYS
from vipcast.config.bgppeers import SECRET_KEYS
from vipcast.config.kinds import ALLOCATION_KEYS, L2_KEYS, POOL_KEYS, PREFERENCE_KEYS
from vipcast.config.specs import labels_of_nodes
from vipcast.model.errors import ConfigError, Finding
from vipcast.model.objects import Node

EVERYTHING = (Path(__file__).parents[2] / "inputs" / "everything-0.12.yaml").read_text()
CONTEXT = Context((Node("n1", addresses=(ip_address("192.0.2.77"),), pod_cidrs=("x",)),))


def answered(inputs: Inputs) -> None:
    """A Config, or findings that say what and where; and the keeper thinks the same."""
    found: tuple[Finding, ...] = ()
    config, force = Config(), None
    try:
        config = force = parse(inputs)
    except PeersRefusedError as error:
        found, config, force = error.findings, error.rest, error.rest
        event("all but some peers")
    except ConfigError as error:
        found = error.findings
        event("refused")
    assert found or config.source
    for one in (*found, *config.warnings):
        assert one.object
        assert one.message.endswith(".")
        assert one.fix.endswith((".", "?"))
        assert len(one.value) <= 80
    for pool in config.pools:
        event("loaded with pools")
        assert pool.entries
        assert all(config.pool_of(next(entry.addresses())) == pool for entry in pool.entries)
    named = {name for each in config.l2 for name in each.pools}
    named |= {name for each in config.bgp for name in each.pools}
    assert named <= {pool.name for pool in config.pools}
    state = ConfigKeeper(SYSTEM).feed(inputs)
    assert (state.config, state.findings) == (force, found)


def of_map(raw: Any) -> Inputs:
    return Inputs(SYSTEM, config_map=raw, context=CONTEXT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(JSON)
def test_any_data_instead_of_a_config_map_is_answered(data: Any) -> None:
    answered(of_map({"metadata": data, "data": data}))
    answered(of_map({"metadata": {"name": data}, "data": {"config": data}}))


@given(JSON)
def test_any_data_instead_of_an_object_is_answered(data: Any) -> None:
    bare = {"metadata": {"name": "a", "namespace": SYSTEM}, "spec": data}
    answered(Inputs(SYSTEM, pools=({"metadata": data, "spec": data},), context=CONTEXT))
    answered(Inputs(SYSTEM, pools=(bare,), l2_advertisements=(bare,), context=CONTEXT))
    labels_of_nodes((bare, {"spec": {"nodeSelectors": data}}))
    labels_of_nodes(({"spec": {"nodeSelectors": [{"matchLabels": data}]}},))
    labels_of_nodes(({"spec": {"nodeSelectors": [{"matchExpressions": data}]}},))
    answered(Inputs(SYSTEM, bgp_peers=(bare,), bgp_advertisements=(bare,), context=CONTEXT))
    answered(Inputs(SYSTEM, communities=(bare,), bfd_profiles=(bare,), context=CONTEXT))


@given(st.dictionaries(st.text(max_size=8) | st.just("items"), JSON) | st.builds(dict, items=JSON))
def test_any_data_instead_of_what_was_saved_is_answered(data: dict[str, Any]) -> None:
    answered(restored(data, SYSTEM))


# Documents that are nearly right: known keys and values of every type in every place.
WORDS = st.sampled_from(
    [
        "layer2",
        "bgp",
        "default",
        "true",
        "~",
        "5",
        "64512",
        "90s",
        "64512:1",
        "''",
        "{}",
        "[]",
        "In",
        "192.0.2.0/24",
        "192.0.2.1-192.0.2.9",
        "192.0.2.9-192.0.2.1",
        "192.0.2.1",
        "2001:db8::/64",
        "0.0.0.0/0",
    ]
)
POOL = ("name", "protocol", "addresses", "avoid-buggy-ips", "auto-assign", "bgp-advertisements")
ADVERTISEMENT = ("aggregation-length", "aggregation-length-v6", "localpref", "communities")
SELECTOR = ("match-labels", "match-expressions", "key", "operator", "values")
PEER = (
    "my-asn",
    "peer-asn",
    "peer-address",
    "source-address",
    "peer-port",
    "hold-time",
    "keepalive-time",
    "router-id",
    "node-selectors",
    "password",
    "bfd-profile",
    "ebgp-multihop",
)
PROFILE = ("receive-interval", "detect-multiplier", "echo-mode", "minimum-ttl")
TOP = ("address-pools", "peers", "bgp-communities", "bfd-profiles")
KEYS = st.sampled_from([*TOP, *POOL, *ADVERTISEMENT, *SELECTOR, *PEER, *PROFILE, "namee"])


def _flow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
    return lists | _mapping(KEYS, inner)


def _mapping(keys: st.SearchStrategy[str], inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def flow(items: dict[str, str]) -> str:
        return "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"

    return st.dictionaries(keys, inner, max_size=6).map(flow)


DOCUMENTS = st.recursive(WORDS, _flow, max_leaves=20)


@given(DOCUMENTS, st.lists(DOCUMENTS, max_size=3), st.sampled_from(TOP))
def test_any_document_of_known_words_is_answered(
    document: str, items: list[str], section: str
) -> None:
    answered(of_map(config_map(document)))
    answered(of_map(config_map(f"{section}: [{', '.join(items)}]")))


NEEDED = {
    "address-pools": "name: a, protocol: bgp, addresses: [198.51.100.0/24]",
    "peers": "my-asn: 1, peer-asn: 2, peer-address: 192.0.2.1",
    "bfd-profiles": "name: fast",
}


@given(st.sampled_from(sorted(NEEDED)), KEYS, DOCUMENTS)
def test_any_value_under_any_key_beside_what_is_needed_is_answered(
    section: str, key: str, value: str
) -> None:
    answered(of_map(config_map(f"{section}: [{{{NEEDED[section]}, {key}: {value}}}]")))


@given(st.data())
def test_a_real_configuration_with_some_of_its_text_changed_is_answered(
    data: st.DataObject,
) -> None:
    text = EVERYTHING.partition("config: |\n")[2]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 8)))
        text = text[:start] + data.draw(WORDS | st.text(max_size=4)) + text[end:]
    answered(of_map(config_map(text)))


@given(st.text())
def test_any_text_is_answered(document: str) -> None:
    answered(of_map(config_map(document)))


# Objects that are nearly right.
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, 0, 5, 64512, "", "a", "b", "In", "internal", "1:2", "large:1:2:3", "90s"),
        *("192.0.2.0/25", "192.0.2.128/25", "10.0.0.1", "2001:db8::1", {}, []),
    ]
)
FIELDS = st.sampled_from(
    [
        *(*POOL_KEYS, *ALLOCATION_KEYS, *L2_KEYS, *PREFERENCE_KEYS),
        *(*PEER_KEYS, *SECRET_KEYS, *ADVERTISEMENT_KEYS, *ALIAS_KEYS, *PROFILE_KEYS),
        *("matchLabels", "matchExpressions", "key", "operator", "values"),
    ]
)
SPECS = st.dictionaries(
    FIELDS,
    st.recursive(
        VALUES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


def made(specs: list[Any], labels: Any = None) -> tuple[Any, ...]:
    """Objects of one kind with these specs."""
    return tuple(
        {"metadata": {"name": name, "namespace": SYSTEM, "labels": labels}, "spec": spec}
        for name, spec in zip("abc", specs, strict=False)
    )


@given(st.lists(SPECS, max_size=3), st.lists(SPECS, max_size=2), VALUES)
def test_any_objects_of_known_fields_are_answered(
    pools: list[Any], advertisements: list[Any], labels: Any
) -> None:
    some = made(advertisements)
    answered(Inputs(SYSTEM, pools=made(pools, labels), l2_advertisements=some, context=CONTEXT))


FEW = st.lists(SPECS, max_size=2)


@given(FEW, FEW, FEW, FEW)
def test_any_objects_of_bgp_are_answered(
    peers: list[Any], advertisements: list[Any], communities: list[Any], profiles: list[Any]
) -> None:
    answered(
        Inputs(
            SYSTEM,
            pools=made([{"addresses": ["198.51.100.0/24", "2001:db8::/64"]}]),
            bgp_peers=made(peers),
            bgp_advertisements=made(advertisements),
            communities=made(communities),
            bfd_profiles=made(profiles),
            context=CONTEXT,
        )
    )


@given(st.lists(SPECS, min_size=1, max_size=3), st.lists(SPECS, min_size=1, max_size=3))
def test_any_field_of_a_peer_or_advertisement_that_would_be_right_is_answered(
    peers: list[Any], advertisements: list[Any]
) -> None:
    needed = {"myASN": 64512, "peerASN": 64513, "peerAddress": "10.0.0.1"}
    known = [{key: one[key] for key in one if key in PEER_KEYS} for one in peers]
    told = [{key: one[key] for key in one if key in ADVERTISEMENT_KEYS} for one in advertisements]
    answered(
        Inputs(
            SYSTEM,
            pools=made([{"addresses": ["198.51.100.0/24", "2001:db8::/64"]}]),
            bgp_peers=made([{**needed, **one} for one in known]),
            bgp_advertisements=made(told),
            bfd_profiles=made([{}]),
            context=CONTEXT,
        )
    )


@given(
    st.lists(st.sampled_from(["192.0.2.0/27", "192.0.2.64/26", "10.0.0.0/8"]), max_size=3), SPECS
)
def test_any_field_beside_what_is_needed_is_answered(addresses: list[str], more: Any) -> None:
    spec = {**more, "addresses": addresses}
    pool = {"metadata": {"name": "a", "namespace": SYSTEM}, "spec": spec}
    answered(Inputs(SYSTEM, pools=(pool,), context=CONTEXT))
