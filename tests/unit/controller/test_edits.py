"""Ten thousand random edits, and what stands in the end is what a fresh start would have given.

Users edit Services, namespaces and the configuration, in both of its forms, sensibly or not, while
a controller follows: real objects through the real parsers, the store, the keeper and the desk. A
controller that has seen nothing of this, on the same objects without any status, must come to the
same, but for one thing: who has an address keeps it for as long as it may. So where the two differ,

* either the Service rightly kept what it had: `keep` says that it may,
* or it has nothing since others rightly keep what it would have got: the address that the fresh
  start gave it is held by one that does not share it, and there is no other.

Where nobody has anything to keep, as after all Services were taken away and put back, the two must
not differ at all.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any, Final

import yaml

from controller.allocator import Assignment, choose, keep
from controller.reconcile import is_ours
from controller.refusals import Refusal
from controller.sharing import Sharing
from controller.wishes import Wish, wish
from tests.unit.config.making import config_map, ip_pool
from tests.unit.controller.cluster import Cluster
from tests.unit.controller.making import ip
from tests.unit.controller.running import NAMESPACE as SYSTEM
from tests.unit.controller.running import service
from vipcast.model.objects import NO_LABELS, Key
from vipcast.model.raw import (
    CONFIG_MAP,
    IP_ADDRESS_POOL,
    NAMESPACE,
    SERVICE,
    Raw,
    Ref,
)
from vipcast.model.reasons import Reason

EDITS: Final = 10_000
ROUND: Final = 250
"""Edits between two comparisons."""

TAKEN: Final = {Reason.POOL_EXHAUSTED, Reason.ADDRESS_IN_USE, Reason.SHARING_REFUSED}
"""Reasons that rest on what others have; every other one follows from the objects alone."""

KEYS: Final = [Key(namespace, name) for namespace in ("default", "shop") for name in "abcdefghij"]
DIGITS: Final = "0123456789"
LABELS: Final[list[dict[str, str]]] = [{}, {"tier": "gold"}, {"tier": "tin"}]


# --- what users write ---------------------------------------------------------------------------


def a_service(draw: random.Random, key: Key, created: str) -> Raw:
    """A Service with any of the things in it that matter, and now and then with a slip."""
    spec: dict[str, Any] = {
        "ports": draw.choice(
            [[{"port": 80}], [{"port": 443}], [{"port": 80}, {"port": 443}], [{"port": 53}]]
        ),
        "selector": {"app": draw.choice("ab")},
    }
    if draw.random() < 0.2:
        spec["ports"] = [{"port": 53, "protocol": "UDP"}]
    if draw.random() < 0.2:
        spec["externalTrafficPolicy"] = "Local"
    if draw.random() < 0.1:
        spec["loadBalancerIP"] = draw.choice(["10.0.0.", "10.0.0.", "fd00::"]) + draw.choice(DIGITS)
    if draw.random() < 0.08:
        spec["type"] = draw.choice(["ClusterIP", "NodePort"])
    if draw.random() < 0.05:
        spec["loadBalancerClass"] = "example.com/other"
    if draw.random() < 0.05:
        spec["clusterIP"] = draw.choice(["None", "10.96.0.1", "fd00::1"])
    if draw.random() < 0.3:
        spec["ipFamilies"] = draw.choice([["IPv6"]] * 4 + [["IPv6", "IPv4"], ["IPv4", "IPv6"]])
    if draw.random() < 0.03:
        spec["ports"] = draw.choice(["80", [{"port": 0}], [{"port": "http"}]])
    annotations = {}
    if draw.random() < 0.5:
        prefix = draw.choice(["metallb.io", "metallb.universe.tf", "vipcast.io"])
        annotations[f"{prefix}/allow-shared-ip"] = draw.choice(["k", "k", "l", ""])
    if draw.random() < 0.15:
        annotations["metallb.io/address-pool"] = draw.choice(["first", "second", "third", "none"])
    if draw.random() < 0.15:
        one, other = (f"10.0.0.{draw.randrange(16)}" for _ in range(2))
        six = f"fd00::{draw.choice(DIGITS)}"
        annotations["metallb.io/loadBalancerIPs"] = draw.choice(
            [one, one, one, f"{one}, {six}", f"{one},{other}", six, six, "ten", ""]
        )
    raw = service(key.name, key.namespace, annotations=annotations, created=created, **spec)
    raw["metadata"]["labels"] = {"app": draw.choice("ab")}
    return raw


def a_configuration(draw: random.Random, *, slips: bool = True) -> dict[Ref, Raw]:
    """Two or three pools side by side in 10.0.0.0/28, one with IPv6, in one of the two forms."""
    cuts = sorted(draw.sample(range(1, 14), 2))
    ranges = [(0, cuts[0] - 1), (cuts[0], cuts[1] - 1), (cuts[1], draw.choice([11, 13, 15]))]
    names = draw.sample(["first", "second", "third"], 3)[: draw.choice([2, 3])]
    entries = {
        name: [f"10.0.0.{low}-10.0.0.{max(low, high)}"]
        for name, (low, high) in zip(names, ranges, strict=False)
    }
    if slips and draw.random() < 0.2:
        entries[names[0]] = [draw.choice(["10.0.0.0-10.0.0.15", "10.0.0", "10.0.0.9-10.0.0.2"])]
    if draw.random() < 0.9:
        six = draw.choice(["fd00::1-fd00::2", "fd00::-fd00::3", "fd00::/64", "fd00::3-fd00::9"])
        entries[draw.choice(names)].append(six)
    if draw.random() < 0.5:
        pools = [
            {
                "name": name,
                "protocol": "layer2",
                "addresses": texts,
                "auto-assign": draw.random() < 0.8,
                "avoid-buggy-ips": draw.random() < 0.3,
            }
            for name, texts in entries.items()
        ]
        made = [(CONFIG_MAP, config_map(yaml.safe_dump({"address-pools": pools})))]
    else:
        made = [
            (
                IP_ADDRESS_POOL,
                ip_pool(
                    name,
                    *texts,
                    allocation=an_allocation(draw),
                    autoAssign=draw.random() < 0.8,
                    avoidBuggyIPs=draw.random() < 0.3,
                ),
            )
            for name, texts in entries.items()
        ]
    return {Ref(kind, Key(SYSTEM, raw["metadata"]["name"])): raw for kind, raw in made}


def an_allocation(draw: random.Random) -> dict[str, Any] | None:
    """Which Services a pool is for."""
    if draw.random() < 0.5:
        return None
    found: dict[str, Any] = {"priority": draw.randrange(3)}
    if draw.random() < 0.4:
        found["namespaces"] = [draw.choice(["default", "shop"])]
    if draw.random() < 0.4:
        found["namespaceSelectors"] = [{"matchLabels": {"tier": draw.choice(["gold", "tin"])}}]
    if draw.random() < 0.4:
        found["serviceSelectors"] = [{"matchLabels": {"app": draw.choice("ab")}}]
    return found


def configure(draw: random.Random, cluster: Cluster, *, slips: bool = True) -> None:
    """Replace the configuration, or only a part of it, by another one."""
    fresh = a_configuration(draw, slips=slips)
    old = [ref for ref in cluster.objects if ref.kind in (CONFIG_MAP, IP_ADDRESS_POOL)]
    if slips and draw.random() < 0.1:
        old = old[:1]  # and both forms may stand there for a while
    cluster.put(*((ref, None) for ref in old if ref not in fresh), *fresh.items())


def edit(draw: random.Random, cluster: Cluster) -> None:
    """One edit by a user."""
    what = draw.random()
    if what < 0.06:
        configure(draw, cluster)
    elif what < 0.10:
        name = draw.choice(["default", "shop"])
        labels = {"metadata": {"name": name, "labels": draw.choice(LABELS)}}
        gone = draw.random() < 0.2
        cluster.put((Ref(NAMESPACE, Key("", name)), None if gone else labels))
    else:
        ref = Ref(SERVICE, draw.choice(KEYS))
        before = cluster.objects.get(ref)
        if what < 0.25:
            cluster.put((ref, None))
            return
        created = draw.choice(["", *(f"2026-01-0{day}T00:00:00Z" for day in range(1, 10))])
        if before is not None:
            created = before["metadata"].get("creationTimestamp", "")
        cluster.put((ref, a_service(draw, ref.key, created)))


# --- what must be so ----------------------------------------------------------------------------


def rule_out_clashes(cluster: Cluster) -> None:
    """No two Services show one address that do not share it."""
    at: dict[str, list[Key]] = {}
    for key, address in cluster.addresses().items():
        for other in at.setdefault(address, []):
            pair = (cluster.store.services[key], cluster.store.services[other])
            assert Sharing.of(pair[0]).permits(Sharing.of(pair[1])), pair
        at[address].append(key)


def asks(cluster: Cluster, key: Key) -> Wish | Refusal:
    """What a Service asks for."""
    labels = cluster.store.namespaces.get(key.namespace, NO_LABELS)
    return wish(cluster.store.services[key], labels)


def compare(cluster: Cluster, fresh: Cluster) -> Counter[str]:
    """How often the two agree and how often they differ; each difference must be a right one."""
    assert cluster.config == fresh.config
    assert cluster.store.services.keys() == fresh.store.services.keys()
    here, there = cluster.addresses(), fresh.addresses()
    tally: Counter[str] = Counter()
    for key, one in cluster.store.services.items():
        if here.get(key) == there.get(key):
            reasons = {each.desk.waiting.get(key) for each in (cluster, fresh)}
            assert len(reasons) == 1 or reasons <= TAKEN, (key, reasons)
            tally["same address" if key in here else "same refusal"] += 1
            continue
        wanted = asks(cluster, key)
        assert is_ours(one), key
        assert isinstance(wanted, Wish), key
        book = cluster.desk.ledger
        if key in here:
            kept = keep(ip(here[key]), wanted, cluster.config, book)
            assert isinstance(kept, Assignment), (key, kept)
            tally["kept"] += 1
        else:
            given = ip(there[key])
            assert book.objector(key, given, wanted.sharing, standing=False) is not None, key
            refused = choose(wanted, cluster.config, book)
            assert isinstance(refused, Refusal), (key, refused)
            assert refused.reason in TAKEN, (key, refused)
            tally["kept by others"] += 1
    return tally


def mend(draw: random.Random, cluster: Cluster) -> None:
    """Put everything right that cannot be read, for a fresh start has nothing to fall back upon."""
    configure(draw, cluster, slips=False)
    for finding in cluster.store.findings:
        namespace, _, name = finding.object.removeprefix("Service ").partition("/")
        cluster.put((Ref(SERVICE, Key(namespace, name)), None))
    cluster.work()
    assert cluster.readable


def restart(cluster: Cluster) -> None:
    """A restart over the same objects and statuses writes nothing."""
    before, writes = cluster.desk.ledger.holdings(), cluster.writes
    cluster.start()
    cluster.work()
    assert cluster.writes == writes
    assert cluster.desk.ledger.holdings() == before


def put_back(cluster: Cluster) -> None:
    """Take all Services away, and put them back."""
    services = {ref: raw for ref, raw in cluster.objects.items() if ref.kind == SERVICE}
    cluster.put(*((ref, None) for ref in services))
    cluster.work()
    assert cluster.desk.ledger.holdings() == {}
    assert all(usage.in_use == 0 for usage in cluster.desk.ledger.usage())
    cluster.put(*services.items())
    cluster.work()


def test_ten_thousand_edits_end_as_a_fresh_start_but_for_what_is_rightly_kept() -> None:
    draw = random.Random(20261121)
    cluster = Cluster()
    tally: Counter[str] = Counter()
    sixes = 0
    for number in range(1, EDITS + 1):
        edit(draw, cluster)
        if draw.random() < 0.7:
            cluster.work()
            rule_out_clashes(cluster)
        if draw.random() < 0.01 and cluster.readable:
            cluster.work()
            restart(cluster)
        if number % ROUND == 0:
            mend(draw, cluster)
            restart(cluster)
            fresh = Cluster(cluster.objects)
            fresh.work()
            rule_out_clashes(fresh)
            tally += compare(cluster, fresh)
            sixes += sum(":" in address for address in cluster.addresses().values())
            put_back(cluster)
            assert set(compare(cluster, fresh)) <= {"same address", "same refusal"}
    assert sixes > EDITS / ROUND
    assert all(
        tally[kind] for kind in ("same address", "same refusal", "kept", "kept by others")
    ), tally
