"""A bad configuration never replaces a good one, and neither does none."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.config.making import (
    OBJECT,
    SYSTEM,
    config_map,
    findings,
    good,
    inputs,
    ip_pool,
    l2,
    of_objects,
    pool,
    pools,
)
from vipcast.config import (
    Config,
    ConfigKeeper,
    ConfigState,
    Context,
    Inputs,
    gather,
    parse,
    restored,
)
from vipcast.model.errors import Finding
from vipcast.model.objects import Key, Node
from vipcast.model.raw import CONFIG_MAP, IP_ADDRESS_POOL, L2_ADVERTISEMENT, Kind, Ref

GOOD, OTHER = pools(pool()), pools(pool("[198.51.100.0/24]"))
BAD = pools(pool("[192.0.2.0/99]"))


def keeper() -> ConfigKeeper:
    return ConfigKeeper(SYSTEM)


def test_nothing_is_loaded_before_there_is_anything() -> None:
    assert keeper().state == ConfigState()
    assert not keeper().state.loaded


def test_a_good_configuration_is_put_in_force() -> None:
    one = keeper()
    assert one.feed(inputs(GOOD)) == ConfigState(good(GOOD), changed=True)
    assert one.state.loaded


def test_the_same_text_again_changes_nothing() -> None:
    one = keeper()
    one.feed(inputs(GOOD))
    assert one.feed(inputs(GOOD)) == ConfigState(good(GOOD))


def test_another_text_that_means_the_same_changes_nothing() -> None:
    one = keeper()
    one.feed(inputs(GOOD))
    assert one.feed(inputs(f"# a comment\n{GOOD}")) == ConfigState(good(GOOD))


def test_a_bad_configuration_leaves_the_good_one_in_force_and_says_what_is_wrong() -> None:
    one = keeper()
    one.feed(inputs(GOOD))
    expected = ConfigState(good(GOOD), findings(BAD), stale=True)
    assert one.feed(inputs(BAD)) == expected
    assert one.feed(inputs(BAD)) == expected
    assert one.state.loaded


def test_the_first_configuration_may_be_bad() -> None:
    one = keeper()
    assert one.feed(inputs(BAD)) == ConfigState(None, findings(BAD), stale=True)
    assert not one.state.loaded
    assert one.feed(inputs(OTHER)) == ConfigState(good(OTHER), changed=True)


def test_after_a_bad_one_the_former_good_one_is_no_change() -> None:
    one = keeper()
    one.feed(inputs(GOOD))
    one.feed(inputs(BAD))
    assert one.feed(inputs(GOOD)) == ConfigState(good(GOOD))


def test_a_config_map_that_goes_leaves_the_last_good_one_in_force() -> None:
    one = keeper()
    one.feed(inputs(GOOD))
    gone = Finding(
        OBJECT,
        "",
        "",
        "The configuration is gone; the last one stays in force.",
        "Put it back. To run without any pool on purpose, write a ConfigMap metallb-system/config"
        " with 'address-pools: []'.",
    )
    assert one.feed(inputs()) == ConfigState(good(GOOD), (gone,), stale=True)
    assert one.feed(inputs(GOOD)) == ConfigState(good(GOOD))


def test_a_configuration_that_was_never_there_is_a_finding() -> None:
    missing = Finding(
        OBJECT,
        "",
        "",
        "There is neither such a ConfigMap nor any IPAddressPool: a program that has seen none so"
        " far gives no Service an address.",
        "Create one of them: IPAddressPool objects, or pools under the ConfigMap's data.config.",
    )
    assert keeper().feed(inputs()) == ConfigState(None, (missing,), stale=True)


def test_a_config_map_of_another_name_that_looks_like_one_is_pointed_at() -> None:
    helm = {**config_map(GOOD), "metadata": {"namespace": SYSTEM, "name": "metallb"}}
    other = {"metadata": {"namespace": SYSTEM, "name": "kube-root-ca.crt"}, "data": {"config": "x"}}
    refs = [Ref(CONFIG_MAP, Key(SYSTEM, name)) for name in ("metallb", "kube-root-ca.crt")]
    named = gather(zip(refs, (helm, other), strict=True), SYSTEM)
    assert keeper().feed(named).findings == (
        Finding(
            "ConfigMap metallb-system/metallb",
            "metadata.name",
            "metallb",
            f"It looks like a configuration, which is looked for in {OBJECT}.",
            "Rename it to config, or start with --config metallb.",
        ),
    )


@pytest.mark.parametrize(
    ("kind", "name"), [(CONFIG_MAP, "config"), (IP_ADDRESS_POOL, "a"), (L2_ADVERTISEMENT, "a")]
)
def test_a_configuration_in_another_namespace_is_pointed_at(kind: Kind, name: str) -> None:
    elsewhere = Finding(
        f"{kind.name} default/{name}",
        "metadata.namespace",
        "default",
        f"The {kind.name} was found in namespace default, looked for in metallb-system.",
        "Move it to metallb-system, or start with --namespace default.",
    )
    there = replace(inputs(), elsewhere=(Ref(kind, Key("default", name)),))
    one = keeper()
    assert one.feed(there) == ConfigState(None, (elsewhere,), stale=True)
    one.feed(inputs(GOOD))
    assert one.feed(there) == ConfigState(good(GOOD), (elsewhere,), stale=True)


def test_what_may_be_in_a_file_that_cannot_be_read_stays_in_force() -> None:
    one = keeper()
    whole = of_objects(ip_pool("a"), ip_pool("b", "198.51.100.0/28"))
    one.feed(restored(whole.saved(), SYSTEM))
    partly = replace(of_objects(ip_pool("a", "192.0.2.0/24")), partial=True)
    hidden = Finding(
        "IPAddressPool metallb-system/b",
        "",
        "",
        "It is not seen, and some file cannot be read: the last configuration stays in force.",
        "Correct the file; if the object was deleted, that counts from then on.",
    )
    assert one.feed(partly) == ConfigState(parse(whole), (hidden,), stale=True)
    assert one.feed(replace(partly, partial=False)) == ConfigState(parse(partly), changed=True)


def test_a_file_that_cannot_be_read_holds_up_nothing_that_is_seen() -> None:
    one = keeper()
    one.feed(of_objects(ip_pool("a")))
    more = replace(of_objects(ip_pool("a"), ip_pool("b", "198.51.100.0/28")), partial=True)
    assert one.feed(more) == ConfigState(parse(more), changed=True)
    assert keeper().feed(replace(inputs(GOOD), partial=True)) == ConfigState(
        good(GOOD), changed=True
    )


def test_a_node_that_comes_to_have_an_address_of_a_pool_makes_the_configuration_stale() -> None:
    one = keeper()
    one.feed(inputs(GOOD))
    node = Node("n1", addresses=(IPv4Address("192.0.2.3"),))
    state = one.feed(replace(inputs(GOOD), context=Context((node,))))
    assert state.config == good(GOOD)
    assert [found.message for found in state.findings] == [
        "It contains 192.0.2.3, an address of node n1."
    ]
    assert one.feed(inputs(GOOD)) == ConfigState(good(GOOD))


@pytest.mark.parametrize(
    "before",
    [
        Inputs(SYSTEM, config_map=config_map(GOOD)),
        Inputs(SYSTEM, pools=(ip_pool("a"),), l2_advertisements=(l2("b", ipAddressPools=["a"]),)),
    ],
)
def test_what_was_saved_is_the_same_configuration_after_a_restart(before: Inputs) -> None:
    saved = json.loads(json.dumps(before.saved()))
    assert restored(saved, SYSTEM) == before
    assert keeper().feed(restored(saved, SYSTEM)) == ConfigState(parse(before), changed=True)


@pytest.mark.parametrize("saved", [{}, {"items": 5}, {"items": [5, {}, {"metadata": 5}]}])
def test_what_was_saved_and_spoilt_is_nothing(saved: dict[str, Any]) -> None:
    assert restored(saved, SYSTEM) == inputs()


def test_a_config_map_without_the_key_is_bad() -> None:
    one = keeper()
    one.feed(inputs(GOOD))
    bare = {"metadata": {"namespace": "metallb-system", "name": "config"}}
    state = one.feed(replace(inputs(), config_map=bare))
    assert state == ConfigState(good(GOOD), findings(None), stale=True)


@given(st.lists(st.sampled_from([GOOD, OTHER, BAD, "", None])))
def test_the_last_good_one_is_in_force_after_any_history(history: list[str | None]) -> None:
    one = keeper()
    expected: Config | None = None
    for document in history:
        state = one.feed(inputs(document))
        right = document in (GOOD, OTHER)
        before, expected = expected, good(document) if right else expected
        assert state.config == expected
        assert state.changed == (expected != before)
        assert state.stale == bool(state.findings) == (not right)
