"""The store keeps the last good state of each object, and says what to decide again."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipcast.config import Context, Inputs
from vipcast.kube.defaults import with_defaults
from vipcast.kube.render import secret, secret_ref
from vipcast.kube.status import render_l2_status, render_speaker_status
from vipcast.kube.store import Change, Store
from vipcast.model.errors import Finding
from vipcast.model.objects import Key, Port
from vipcast.model.raw import (
    BGP_ADVERTISEMENT,
    BGP_PEER,
    CONFIG_MAP,
    CONFIGURATION_STATE,
    ENDPOINT_SLICE,
    IP_ADDRESS_POOL,
    L2_ADVERTISEMENT,
    NODE,
    SERVICE,
    Batch,
    Delta,
    Kind,
    Ref,
)
from vipcast.model.status import L2Status, SpeakerReport

NAMESPACE = "metallb-system"
WEB, DB = Key("default", "web"), Key("default", "db")
UNREAD = Finding("file a.yaml", "line 3", "", "This is not YAML.", "Correct this line.")


def store() -> Store:
    return Store(NAMESPACE)


def ref(kind: Kind, name: str, namespace: str = "default") -> Ref:
    return Ref(kind, Key("" if kind == NODE else namespace, name))


def made(at: Ref, **parts: Any) -> Delta:
    """An object as a source would report it; `labels` go into the metadata."""
    metadata = {"name": at.key.name, "namespace": at.key.namespace}
    metadata |= {"labels": parts.pop("labels", {})}
    return Delta(at, with_defaults(at.kind, {"metadata": metadata, **parts}))


def gone(at: Ref) -> Delta:
    return Delta(at, None)


def service(name: str = "web", port: Any = 80) -> Delta:
    return made(ref(SERVICE, name), spec={"type": "LoadBalancer", "ports": [{"port": port}]})


def slice_(name: str, of: str = "web", address: Any = "10.1.0.2") -> Delta:
    labels = {"kubernetes.io/service-name": of}
    endpoints = [{"addresses": [address], "nodeName": "n1"}]
    return made(ref(ENDPOINT_SLICE, name), labels=labels, addressType="IPv4", endpoints=endpoints)


def node(name: str = "n1", **labels: str) -> Delta:
    return made(ref(NODE, name), labels=labels)


def fed(one: Store, *deltas: Delta, problems: tuple[Finding, ...] = ()) -> Change:
    return one.apply(Batch(deltas, True, problems))


def services(*keys: Key) -> Change:
    return Change(services=frozenset(keys))


def test_nothing_is_synced_before_the_first_batch() -> None:
    one = store()
    assert not one.synced
    fed(one)
    assert one.synced


def test_a_service_that_is_new_different_or_gone_is_to_be_decided() -> None:
    one = store()
    assert fed(one, service(), service("db")) == services(WEB, DB)
    assert fed(one, service(port=81)) == services(WEB)
    assert one.services[WEB].ports == (Port("TCP", 81),)
    assert fed(one, gone(ref(SERVICE, "web"))) == services(WEB)
    assert set(one.services) == {DB}


def test_a_service_that_changed_in_nothing_that_matters_needs_no_decision() -> None:
    one = store()
    fed(one, service())
    again = service()
    assert again.raw is not None
    assert fed(one, Delta(again.ref, {**again.raw, "unknown": 1})) == Change()


def test_a_service_that_cannot_be_read_stays_as_it_was_and_is_named() -> None:
    one = store()
    fed(one, service())
    before = one.services[WEB]
    assert fed(one, service(port="eighty")) == Change(findings=True)
    assert one.services[WEB] == before
    (found,) = one.findings
    assert (found.object, found.field, found.value) == (
        "Service default/web",
        "spec.ports[0].port",
        "eighty",
    )
    assert found.kept
    assert fed(one, service(port="eighty")) == Change()
    assert fed(one, service()) == Change(findings=True)
    assert not one.findings


def test_a_service_that_could_never_be_read_is_named_until_it_goes() -> None:
    one = store()
    assert fed(one, service(port=0)) == Change(findings=True)
    assert one.services == {}
    assert not one.findings[0].kept
    assert fed(one, gone(ref(SERVICE, "web"))) == Change(findings=True)
    assert not one.findings


def test_one_bad_object_leaves_all_others_alone() -> None:
    one = store()
    assert fed(one, service(port=0), service("db"), node()).services == {DB}


def test_slices_belong_to_their_service_in_the_order_of_their_names() -> None:
    one = store()
    fed(one, service())
    assert fed(one, slice_("web-b"), slice_("web-a")) == services(WEB)
    assert [found.key.name for found in one.slices(WEB)] == ["web-a", "web-b"]
    assert fed(one, slice_("web-a")) == Change()
    assert fed(one, slice_("web-a", address="10.1.0.3")) == services(WEB)
    assert fed(one, gone(ref(ENDPOINT_SLICE, "web-b"))) == services(WEB)
    assert [found.key.name for found in one.slices(WEB)] == ["web-a"]


def test_a_slice_that_moves_to_another_service_matters_to_both() -> None:
    one = store()
    fed(one, slice_("x"))
    assert fed(one, slice_("x", of="db")) == services(WEB, DB)
    assert one.slices(WEB) == ()
    assert len(one.slices(DB)) == 1


def test_a_slice_that_cannot_be_read_stays_as_it_was() -> None:
    one = store()
    fed(one, slice_("x"))
    assert fed(one, slice_("x", address="nonsense")) == Change(findings=True)
    assert len(one.slices(WEB)) == 1


def test_a_node_is_named_when_it_changes() -> None:
    one = store()
    fed(one, service(), service("db"))
    changed = Change(nodes=frozenset({"n1"}))
    assert fed(one, node()) == changed
    assert fed(one, node()) == Change()
    assert fed(one, node(zone="a")) == changed
    assert one.nodes["n1"].labels == {"zone": "a"}
    assert fed(one, gone(ref(NODE, "n1"))) == changed
    assert one.nodes == {}


def test_a_node_that_is_ready_or_not_and_otherwise_the_same_is_told_apart() -> None:
    one = store()

    def as_it_is(ready: str, **labels: str) -> Delta:
        conditions = [{"type": "Ready", "status": ready}]
        return made(ref(NODE, "n1"), labels=labels, status={"conditions": conditions})

    assert fed(one, as_it_is("True")) == Change(nodes=frozenset({"n1"}))
    assert fed(one, as_it_is("Unknown")) == Change(readiness=frozenset({"n1"}))
    assert not one.nodes["n1"].ready
    assert fed(one, as_it_is("True", zone="a")) == Change(nodes=frozenset({"n1"}))


@pytest.mark.parametrize(
    "parts",
    [
        {"status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]}},
        {"spec": {"podCIDR": "10.1.0.0/24"}},
    ],
)
def test_the_configuration_is_read_again_where_a_node_has_other_addresses(
    parts: dict[str, Any],
) -> None:
    one, at = store(), ref(NODE, "n1")
    changed = Change(nodes=frozenset({"n1"}), config=True)
    assert fed(one, made(at, **parts)) == changed
    assert fed(one, made(at, labels={"zone": "a"}, **parts)) == Change(nodes=frozenset({"n1"}))
    assert fed(one, gone(at)) == changed


@pytest.mark.parametrize("kind", [BGP_PEER, BGP_ADVERTISEMENT])
def test_the_configuration_is_read_again_where_a_label_changes_that_bgp_selects_by(
    kind: Kind,
) -> None:
    one = store()
    expressions = [{"key": "disk", "operator": "Exists"}]
    selectors = [{"matchLabels": {"rack": "1"}}, {"matchExpressions": expressions}]
    fed(one, node(), made(ref(kind, "x", NAMESPACE), spec={"nodeSelectors": selectors}))
    changed = Change(nodes=frozenset({"n1"}), config=True)
    assert fed(one, node(rack="1")) == changed
    assert fed(one, node(rack="1", zone="a")) == Change(nodes=frozenset({"n1"}))
    assert fed(one, node(rack="1", disk="ssd")) == changed
    assert fed(one, gone(ref(NODE, "n1"))) == changed


def config_map(name: str = "config", namespace: str = NAMESPACE) -> Delta:
    return made(ref(CONFIG_MAP, name, namespace), data={"config": "address-pools: []"})


def test_the_config_map_is_found_by_namespace_and_name() -> None:
    one = store()
    assert fed(one, config_map("other", namespace="default")) == Change()
    assert fed(one, made(ref(CONFIG_MAP, "certificate", NAMESPACE), data={"ca": "x"})) == Change()
    assert one.inputs() == Inputs(NAMESPACE)
    assert fed(one, config_map()) == Change(config=True)
    assert one.inputs() == Inputs(NAMESPACE, config_map=config_map().raw)
    assert fed(one, gone(config_map().ref)) == Change(config=True)
    assert one.inputs() == Inputs(NAMESPACE)


def test_a_config_map_of_another_name_that_looks_like_a_configuration_is_known() -> None:
    one = store()
    other = config_map("other")
    assert fed(one, other) == Change(config=True)
    assert one.inputs() == Inputs(NAMESPACE, misnamed=(other.ref,))
    assert fed(one, gone(other.ref)) == Change(config=True)
    assert one.inputs() == Inputs(NAMESPACE)


@pytest.mark.parametrize("kind", [IP_ADDRESS_POOL, L2_ADVERTISEMENT])
def test_objects_of_the_configuration_are_found_by_their_namespace(kind: Kind) -> None:
    one = store()
    mine, stray = made(ref(kind, "a", NAMESPACE), spec={}), made(ref(kind, "b"), spec={})
    assert fed(one, mine, stray) == Change(config=True)
    found = one.inputs()
    assert (found.objects, found.elsewhere) == ((mine.raw,), (stray.ref,))
    assert fed(one, gone(mine.ref), gone(stray.ref)) == Change(config=True)
    assert one.inputs() == Inputs(NAMESPACE)


def test_config_maps_of_that_name_elsewhere_are_known() -> None:
    one = store()
    others = (config_map(namespace="x"), config_map(namespace="default"))
    refs = (others[1].ref, others[0].ref)
    assert fed(one, *others) == Change(config=True)
    assert one.inputs() == Inputs(NAMESPACE, elsewhere=refs)
    fed(one, config_map())
    assert one.inputs() == Inputs(NAMESPACE, config_map=config_map().raw, elsewhere=refs)


def test_a_batch_says_whether_there_may_be_objects_that_nobody_sees() -> None:
    one = store()
    one.apply(Batch((config_map(),), synced=True, problems=(UNREAD,), partial=True))
    assert one.inputs() == Inputs(NAMESPACE, config_map=config_map().raw, partial=True)
    assert one.apply(Batch((), synced=True)) == Change(findings=True)
    assert not one.inputs().partial


def test_the_configuration_is_read_with_the_nodes_and_the_flags_around_it() -> None:
    one = store()
    fed(one, node())
    cidrs = (IPv4Network("10.96.0.0/12"),)
    assert one.inputs(cidrs).context == Context((one.nodes["n1"],), cidrs)


def key(value: Any = b"key") -> Delta:
    at = secret_ref(NAMESPACE)
    raw = secret(at, value) if isinstance(value, bytes) else {"data": {"secretkey": value}}
    return made(at, **{name: part for name, part in raw.items() if name != "metadata"})


def known(one: Store) -> tuple[bytes | None, bool]:
    """The key that is in use, and whether there is a Secret."""
    return one.secret_key, one.secret_present


def test_the_key_is_the_secrets_and_stays_when_that_is_spoilt_or_gone() -> None:
    one = store()
    assert known(one) == (None, False)
    assert fed(one, key()) == Change(secret=True)
    assert known(one) == (b"key", True)
    assert not one.findings
    fed(one, key("not base64"))
    assert known(one) == (b"key", True)
    assert one.findings[0].message == "The value is not base64."
    assert fed(one, gone(key().ref)) == Change(secret=True, findings=True)
    assert known(one) == (b"key", False)
    assert one.findings == (
        Finding(
            f"Secret {NAMESPACE}/memberlist",
            "",
            "",
            "The Secret is gone; the last key stays in use until there is another.",
            kept=True,
        ),
    )
    fed(one, key(b"other"))
    assert known(one) == (b"other", True)
    assert not one.findings


def test_other_secrets_are_nobodys_business() -> None:
    one = store()
    other = made(ref(key().ref.kind, "tls"), data={"tls.key": 5})
    assert fed(one, other) == Change()
    assert not one.findings


ROUTER = ref(secret_ref(NAMESPACE).kind, "router", NAMESPACE)


def password(value: str = "a", at: Ref = ROUTER) -> Delta:
    return made(at, type="kubernetes.io/basic-auth", stringData={"password": value})


def peer(secret: str = "router", namespace: str = NAMESPACE) -> Delta:
    return made(ref(BGP_PEER, "rack", namespace), spec={"passwordSecret": {"name": secret}})


def test_the_password_of_a_peer_is_told_when_it_changes_and_goes_with_its_secret() -> None:
    one = store()
    assert one.password(ROUTER.key) is None
    assert fed(one, peer()) == Change(config=True)
    assert fed(one, password()) == Change(secret=True)
    assert one.password(ROUTER.key) == b"a"
    assert fed(one, password()) == Change()
    assert fed(one, password("")) == Change(findings=True)
    assert one.password(ROUTER.key) == b"a"
    assert fed(one, password("b")) == Change(secret=True, findings=True)
    assert fed(one, gone(ROUTER)) == Change(secret=True)
    assert one.password(ROUTER.key) is None
    assert not one.findings
    assert one.secret_key is None


def test_a_secret_that_is_wrong_is_told_of_when_a_peer_names_it() -> None:
    one = store()
    assert fed(one, made(ROUTER, data={"password": "YQ=="})) == Change()
    assert fed(one, peer()) == Change(config=True, findings=True)
    (found,) = one.findings
    assert (found.object, found.field, found.value) == (
        f"Secret {NAMESPACE}/router",
        "type",
        "Opaque",
    )
    assert fed(one, peer("another")) == Change(config=True, findings=True)
    assert not one.findings


def test_passwords_stand_in_the_programs_own_namespace_alone() -> None:
    one = store()
    stray = ref(ROUTER.kind, "router")
    assert fed(one, password(at=stray), password("", ROUTER), peer(namespace="default")) == Change(
        config=True
    )
    assert (one.password(stray.key), one.password(ROUTER.key)) == (None, None)


def test_the_hellos_own_secret_is_no_password() -> None:
    one = store()
    fed(one, key(), peer("memberlist"))
    assert (one.secret_key, one.password(key().ref.key)) == (b"key", None)
    fed(one, key("not base64"))
    assert [found.field for found in one.findings] == ["data.secretkey", "type"]


def test_reports_are_parsed_and_other_kinds_are_kept_raw() -> None:
    one = store()
    held, held_raw = render_l2_status(NAMESPACE, L2Status("n1", WEB, ()))
    seen, seen_raw = render_speaker_status(NAMESPACE, SpeakerReport("n1", "", "", "", 1))
    state = made(ref(CONFIGURATION_STATE, "controller", NAMESPACE))
    change = fed(one, Delta(held, held_raw), Delta(seen, seen_raw), state)
    assert change == Change(others=frozenset({held, seen, state.ref}))
    assert one.l2_statuses == {held.key: L2Status("n1", WEB, ())}
    assert one.speaker_statuses == {seen.key: SpeakerReport("n1", "", "", "", 1)}
    assert one.raws(CONFIGURATION_STATE) == {state.ref.key: state.raw}
    assert one.raw(held) == held_raw


def test_problems_of_the_source_are_the_stores_problems() -> None:
    one = store()
    assert fed(one, problems=(UNREAD,)) == Change(findings=True)
    assert one.problems == (UNREAD,)
    assert fed(one, problems=(UNREAD,)) == Change()
    assert fed(one) == Change(findings=True)


NAMES = st.sampled_from(["a", "b"])
DELTAS = st.one_of(
    st.builds(service, NAMES, st.sampled_from([80, 81, 0])),
    st.builds(slice_, NAMES, NAMES, st.sampled_from(["10.1.0.2", "10.1.0.3", "x"])),
    st.builds(node, NAMES),
    st.builds(lambda name: gone(ref(SERVICE, name)), NAMES),
    st.builds(lambda name: gone(ref(ENDPOINT_SLICE, name)), NAMES),
    st.builds(lambda name: gone(ref(NODE, name)), NAMES),
)


@given(st.lists(st.lists(DELTAS, max_size=3)))
def test_whatever_was_not_named_as_changed_is_as_it_was(history: list[list[Delta]]) -> None:
    one = store()
    for deltas in history:
        keys = [Key("default", name) for name in "ab"]
        before = {key: (one.services.get(key), one.slices(key)) for key in keys}
        nodes = dict(one.nodes)
        change = fed(one, *deltas)
        for key_ in keys:
            if key_ not in change.services:
                assert before[key_] == (one.services.get(key_), one.slices(key_))
        changed = {name for name in "ab" if nodes.get(name) != one.nodes.get(name)}
        assert changed <= change.nodes


def test_the_status_of_a_pool_is_no_configuration() -> None:
    kept, pool = store(), ref(IP_ADDRESS_POOL, "home", NAMESPACE)
    spec = {"addresses": ["192.0.2.0/24"]}
    assert kept.apply(Batch((made(pool, spec=spec),), synced=True)) == Change(config=True)
    before = kept.inputs()
    counted = made(pool, spec=spec, status={"assignedIPv4": 1})
    assert kept.apply(Batch((counted,), synced=True)) == Change()
    assert kept.inputs() == before
    assert kept.raw(pool) == counted.raw
    assert kept.apply(Batch((made(pool, spec=spec, labels={"a": "b"}),), synced=True)) == Change(
        config=True
    )
    assert kept.apply(Batch((gone(pool),), synced=True)) == Change(config=True)
