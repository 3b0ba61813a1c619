"""What objects in files would come to, if the programs saw these and no others. PURE.

    rehearse(store, config) -> what would go wrong, as warnings where other files may help

Services are put before the controller's own rules, each by itself, as if it were new. Without a
configuration among the files only what a Service asks for is looked at, not whether it gets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from controller.ledger import Ledger
from controller.reconcile import decide, is_ours
from speaker.plan import Refusal, advertisements
from vipcast.cli import demands
from vipcast.config import Config
from vipcast.files.lint import Doubt
from vipcast.kube.parse import SERVICE_LABEL
from vipcast.kube.slips import (
    ADDRESS_WISH,
    POOL_WISH,
    PREFIXES,
    SHARING_KEY,
    below,
    misspelled,
    near_misses,
)
from vipcast.kube.store import Store
from vipcast.model.advertisement import BgpAdvertisement, L2Advertisement
from vipcast.model.errors import Finding
from vipcast.model.objects import Recorded, Service
from vipcast.model.peer import Peer
from vipcast.model.raw import (
    BGP_ADVERTISEMENT,
    BGP_PEER,
    ENDPOINT_SLICE,
    L2_ADVERTISEMENT,
    SERVICE,
    Kind,
    Raw,
    Ref,
)
from vipcast.model.reasons import Reason
from vipcast.model.selectors import any_matches

_ASKED: Final = frozenset({Reason.INVALID_REQUEST, Reason.NO_CLUSTER_IP})
_OF_POOLS: Final = frozenset(
    {
        Reason.UNKNOWN_POOL,
        Reason.POOL_MISMATCH,
        Reason.NOT_IN_ANY_POOL,
        Reason.BUGGY_ADDRESS,
        Reason.NO_AUTO_ASSIGN_POOL,
        Reason.POOL_NOT_FOR_SERVICE,
    }
)
_ForNodes = L2Advertisement | BgpAdvertisement | Peer
_BY_POOL: Final = frozenset({Reason.UNKNOWN_POOL, Reason.POOL_NOT_FOR_SERVICE})


def rehearse(store: Store, config: Config | None) -> Iterator[Doubt]:
    """Everything that would go wrong; `config` is None where there is none, or a bad one."""
    yield from map(Doubt, demands.of_objects(store))
    for raw in store.raws(SERVICE).values():
        for slip in (*misspelled(raw), *near_misses(raw)):
            yield Doubt(slip, warning=True)
    pools = () if config is None else config.pools
    ledger = Ledger(pools)
    unread = {finding.object for finding in store.findings}
    for key in sorted(store.services):
        service = store.services[key]
        if is_ours(service):
            raw = store.raws(SERVICE)[key]
            if f"Service {key}" not in unread:  # what could not be read may look like a twin
                yield from map(Doubt, demands.of_ports(service))
            yield from _asked(service, raw, store, config, ledger)
    for key, raw in sorted(store.raws(ENDPOINT_SLICE).items()):
        yield from _stray_slice(Ref(ENDPOINT_SLICE, key), raw)
    if config is not None:
        yield from _nowhere(store, config)


def _asked(
    service: Service, raw: Raw, store: Store, config: Config | None, ledger: Ledger
) -> Iterator[Doubt]:
    """Whether it gets what it asks for, and whether that is announced."""
    new = replace(service, ingress=(), recorded=Recorded())
    labels = store.namespaces.get(service.key.namespace, {})
    outcome = decide(new, config or Config(), ledger, namespace_labels=labels)
    name = f"Service {service.key}"
    told = _ASKED | _OF_POOLS if config is not None else _ASKED
    if outcome.assignment is None:
        if outcome.reason in told:
            field, value = _place(service, raw, outcome.reason)
            message, _, fix = outcome.message.rpartition(". ")
            # Whom a pool is for may hang on labels of a namespace that is in no file.
            unsure = outcome.reason is Reason.POOL_NOT_FOR_SERVICE and not labels
            yield Doubt(Finding(name, field, value, f"{message}.", fix), warning=unsure)
        return
    pool = outcome.assignment.pool
    refused = advertisements(service, pool, config) if config is not None else ()
    if isinstance(refused, Refusal) and any(pool in each.pools for each in (config or Config()).l2):
        message, _, fix = refused.message.rpartition(". ")
        sharing = refused.reason is Reason.SHARED_WITH_SELECTOR
        field = _annotation(raw, SHARING_KEY) if sharing else "metadata.labels"
        value = service.sharing_key if sharing else ""
        yield Doubt(Finding(name, field, value, f"{message}.", fix), warning=not sharing)


def _place(service: Service, raw: Raw, reason: Reason) -> tuple[str, str]:
    """The field that a refusal is about, and its value."""
    if reason is Reason.NO_CLUSTER_IP:
        return "spec.clusterIP", "None"
    if service.pool_wish and (reason in _BY_POOL or not service.requested):
        return _annotation(raw, POOL_WISH), service.pool_wish
    field = _annotation(raw, ADDRESS_WISH)
    if not service.requested:
        return "", ""
    return field or "spec.loadBalancerIP", ",".join(service.requested)


def _annotation(raw: Raw, name: str) -> str:
    """The path of the annotation that counts; "" without any."""
    annotations = below(raw, "metadata", "annotations")
    found = (prefix + name for prefix in PREFIXES if prefix + name in annotations)
    return next((f"metadata.annotations.{each}" for each in found), "")


def _stray_slice(ref: Ref, raw: Raw) -> Iterator[Doubt]:
    if SERVICE_LABEL not in below(raw, "metadata", "labels"):
        message = f"It belongs to no Service: it has no label {SERVICE_LABEL}."
        fix = f"Write {SERVICE_LABEL}: NAME under metadata.labels."
        yield Doubt(Finding(str(ref), "metadata.labels", "", message, fix), warning=True)


def _nowhere(store: Store, config: Config) -> Iterator[Doubt]:
    """What is for none of the nodes, where there are nodes among the files."""
    nodes = store.nodes.values()
    several: Iterable[tuple[Kind, Sequence[_ForNodes], str]] = (
        (L2_ADVERTISEMENT, config.l2, "announces by it"),
        (BGP_ADVERTISEMENT, config.bgp, "announces by it"),
        (BGP_PEER, config.peers, "speaks with it"),
    )
    for kind, found, does in several if nodes else ():
        places = {key.name: (str(Ref(kind, key)), "spec.nodeSelectors") for key in store.raws(kind)}
        for index, each in enumerate(found):
            if not each.nodes or any(any_matches(each.nodes, node.labels) for node in nodes):
                continue
            name, field = places.get(each.name, (config.source, f"peers[{index}].node-selectors"))
            number = "the one node" if len(nodes) == 1 else f"any of the {len(nodes)} nodes"
            message = f"They do not match {number} in these files, so no node {does}."
            fix = "Correct them, or the labels of the nodes."
            yield Doubt(Finding(name, field, "", message, fix), warning=True)
