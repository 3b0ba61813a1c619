"""Whatever is written, a configuration or findings that can be listed come out, nothing else."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from tests.unit.config.making import SYSTEM, config_map
from vipcast.config import Config, ConfigKeeper, Context, Inputs, parse, restored
from vipcast.config.kinds import ALLOCATION_KEYS, L2_KEYS, POOL_KEYS, PREFERENCE_KEYS
from vipcast.model.errors import ConfigError, Finding
from vipcast.model.objects import Node

EVERYTHING = (Path(__file__).parents[2] / "inputs" / "everything-0.12.yaml").read_text()
CONTEXT = Context((Node("n1", addresses=(ip_address("192.0.2.77"),), pod_cidrs=("x",)),))


def answered(inputs: Inputs) -> None:
    """A Config, or findings that say what and where; and the keeper thinks the same."""
    found: tuple[Finding, ...] = ()
    config = Config()
    try:
        config = parse(inputs)
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
    assert (state.config, state.findings) == (None if found else config, found)


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
    [None, True, 0, 5, "", "a", "b", "In", "192.0.2.0/25", "192.0.2.128/25", "10.0.0.1", {}, []]
)
FIELDS = st.sampled_from(
    [
        *(*POOL_KEYS, *ALLOCATION_KEYS, *L2_KEYS, *PREFERENCE_KEYS),
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


@given(st.lists(SPECS, max_size=3), st.lists(SPECS, max_size=2), VALUES)
def test_any_objects_of_known_fields_are_answered(
    pools: list[Any], advertisements: list[Any], labels: Any
) -> None:
    def made(specs: list[Any]) -> tuple[Any, ...]:
        return tuple(
            {"metadata": {"name": name, "namespace": SYSTEM, "labels": labels}, "spec": spec}
            for name, spec in zip("abc", specs, strict=False)
        )

    answered(
        Inputs(SYSTEM, pools=made(pools), l2_advertisements=made(advertisements), context=CONTEXT)
    )


@given(
    st.lists(st.sampled_from(["192.0.2.0/27", "192.0.2.64/26", "10.0.0.0/8"]), max_size=3), SPECS
)
def test_any_field_beside_what_is_needed_is_answered(addresses: list[str], more: Any) -> None:
    spec = {**more, "addresses": addresses}
    pool = {"metadata": {"name": "a", "namespace": SYSTEM}, "spec": spec}
    answered(Inputs(SYSTEM, pools=(pool,), context=CONTEXT))
