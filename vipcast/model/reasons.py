"""Why something is as it is: one word each, the same in status, Events, logs and explanations.

Where MetalLB has a word for the same meaning it is MetalLB's. `sentence(reason)` is what a person
reads, `vipcast.model.steps` what to do about it; metrics carry the word as a label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum


class Reason(StrEnum):
    """A machine-readable word; `SENTENCES` holds the sentence of each."""

    # An address was given or kept.
    ALLOCATED = "allocated"
    KEPT = "kept"
    # No address: the Service.
    NOT_LOAD_BALANCER = "notLoadBalancer"
    OTHER_CLASS = "otherLoadBalancerClass"
    NO_CLASS = "noLoadBalancerClass"
    NO_CLUSTER_IP = "noClusterIP"
    INVALID_REQUEST = "invalidRequestedIP"
    UNKNOWN_POOL = "unknownPool"
    POOL_MISMATCH = "poolMismatch"
    NOT_IN_ANY_POOL = "ipNotAllowed"
    POOL_NOT_FOR_SERVICE = "poolNotForService"
    ADDRESS_IN_USE = "addressInUse"
    SHARING_REFUSED = "sharingRefused"
    BUGGY_ADDRESS = "buggyAddress"
    FAMILY_UNSUPPORTED = "ipv6NotYet"
    # No address: the pools.
    NO_CONFIG = "noConfig"
    NO_AUTO_ASSIGN_POOL = "noAutoAssignPool"
    NO_ADDRESS_OF_FAMILY = "noAddressOfFamily"
    POOL_EXHAUSTED = "poolExhausted"
    STATUS_CONTESTED = "statusContested"
    # An address was taken back.
    POOL_CHANGED = "poolChanged"
    REQUEST_CHANGED = "requestChanged"
    CONFLICT = "conflictingAssignment"
    # Announcing: the plan of one node.
    NO_IP_ALLOCATED = "noIPAllocated"
    INVALID_IP = "invalidIP"
    NO_MATCHING_ADVERTISEMENT = "noMatchingAdvertisement"
    CONFLICTING_ADVERTISEMENTS = "conflictingAdvertisements"
    SHARED_WITH_SELECTOR = "sharedIPWithServiceSelector"
    NO_COMMON_NODE = "sharedIPWithoutCommonNode"
    NO_ENDPOINTS = "noEndpoints"
    NO_LOCAL_ENDPOINTS = "noLocalEndpoints"
    NODE_EXCLUDED = "nodeLabeledExcludeBalancers"
    NODE_NETWORK_UNAVAILABLE = "nodeNetworkUnavailable"
    NODE_UNKNOWN = "nodeUnknown"
    NODE_DRAINED = "nodeDrained"
    NODE_CORDONED = "nodeCordoned"
    NO_INTERFACE = "noInterface"
    NO_SPEAKER = "noSpeaker"
    MAP_FULL = "mapFull"
    # Announcing: the routes of one node.
    ADVERTISED = "advertised"
    NO_PEER = "noPeer"
    NO_SESSION = "noSession"
    # Announcing: leadership on one segment.
    HOLDER = "holder"
    NOT_OWNER = "notOwner"
    LEARNING = "learning"
    WAITING = "waitingForBetterRanked"
    NO_KEY = "noKey"
    LEASE_OVER = "leaseOver"
    SAME_SEGMENT = "sameSegment"
    DUPLICATE_NODE = "duplicateNodeName"
    LINK_DOWN = "linkDown"
    HOLDER_LOST = "holderLost"
    HOLDER_RELEASED = "holderReleased"
    HOLDER_REBOOTED = "holderRebooted"
    HIGHER_EPOCH = "higherEpoch"
    FIRST_CLAIM = "firstClaim"
    ADOPTED = "adopted"
    NOT_CANDIDATE = "notCandidate"
    NOT_MATCH_INTERFACE = "notMatchInterface"
    NOT_WANTED = "notWanted"
    # Interfaces.
    INTERFACE_EXCLUDED = "interfaceExcluded"
    INTERFACE_DOWN = "interfaceDown"
    INTERFACE_ENSLAVED = "interfaceEnslaved"
    INTERFACE_NO_ARP = "interfaceNoArp"
    INTERFACE_NO_BROADCAST = "interfaceNoBroadcast"
    FOREIGN_PROGRAM = "foreignProgram"
    ATTACHED = "attached"
    ATTACH_FAILED = "attachFailed"
    SELF_TEST_FAILED = "selfTestFailed"
    SEGMENT_FAILED = "segmentFailed"


SENTENCES: dict[Reason, str] = {
    Reason.ALLOCATED: "An address was taken from the pool.",
    Reason.KEPT: "The Service keeps the address it has.",
    Reason.NOT_LOAD_BALANCER: "The Service is not of type LoadBalancer.",
    Reason.OTHER_CLASS: "The Service asks for another load balancer by spec.loadBalancerClass.",
    Reason.NO_CLASS: (
        "The Service has no loadBalancerClass, and only those that name one of ours are served"
        " (--lb-class, --lb-class-default)."
    ),
    Reason.NO_CLUSTER_IP: (
        "The Service has no cluster IP (headless), so no traffic could be forwarded."
    ),
    Reason.INVALID_REQUEST: "What the Service asks for cannot be read as one IP address.",
    Reason.UNKNOWN_POOL: "The pool named by the annotation does not exist.",
    Reason.POOL_MISMATCH: (
        "The requested address lies in another pool than the one the annotation names."
    ),
    Reason.NOT_IN_ANY_POOL: "The address is in no configured pool.",
    Reason.POOL_NOT_FOR_SERVICE: "The pool is for other Services (serviceAllocation).",
    Reason.ADDRESS_IN_USE: "The requested address belongs to another Service.",
    Reason.SHARING_REFUSED: (
        "The address belongs to a Service that it cannot be shared with (allow-shared-ip)."
    ),
    Reason.BUGGY_ADDRESS: "The pool avoids addresses that end in .0 or .255.",
    Reason.FAMILY_UNSUPPORTED: (
        "This version announces IPv6 by BGP alone, and gives each Service one address."
    ),
    Reason.NO_CONFIG: "No valid configuration has been loaded.",
    Reason.NO_AUTO_ASSIGN_POOL: (
        "No pool hands out addresses by itself (auto-assign is off everywhere)."
    ),
    Reason.NO_ADDRESS_OF_FAMILY: (
        "The pools that this Service may have hold no address of its IP family."
    ),
    Reason.POOL_EXHAUSTED: "Every address that this Service may have is taken.",
    Reason.STATUS_CONTESTED: (
        "Another program undoes what is written on the Service's status, so it is left alone for"
        " a while."
    ),
    Reason.POOL_CHANGED: "The pool no longer offers the address the Service had.",
    Reason.REQUEST_CHANGED: "The Service asks for something else now.",
    Reason.CONFLICT: "Another Service holds the same address with the older right.",
    Reason.NO_IP_ALLOCATED: "The Service has no address yet.",
    Reason.INVALID_IP: "The Service's status holds something that is not an IP address.",
    Reason.NO_MATCHING_ADVERTISEMENT: (
        "No advertisement is for the pool, the Service and a node together."
    ),
    Reason.CONFLICTING_ADVERTISEMENTS: (
        "Two BGPAdvertisements give one route to one peer different preferences (localPref)."
    ),
    Reason.SHARED_WITH_SELECTOR: (
        "The Service may share its address, which an L2Advertisement with serviceSelectors forbids."
    ),
    Reason.NO_COMMON_NODE: (
        "No node may announce the address for all Services that share it: the first by name has it."
    ),
    Reason.NO_ENDPOINTS: "No endpoint of the Service is ready or serving.",
    Reason.NO_LOCAL_ENDPOINTS: (
        "Traffic policy Local: no endpoint of the Service on the node is ready or serving."
    ),
    Reason.NODE_EXCLUDED: (
        "The node carries the label node.kubernetes.io/exclude-from-external-load-balancers."
    ),
    Reason.NODE_NETWORK_UNAVAILABLE: "The node's condition NetworkUnavailable is True.",
    Reason.NODE_UNKNOWN: "There is no Node object of this name.",
    Reason.NODE_DRAINED: (
        "The node is drained: routers were asked to use other paths, and then it withdrew its own."
    ),
    Reason.NODE_CORDONED: (
        "The node is cordoned, and a node that stays can tell the route: routers were asked to use"
        " other paths, and then it withdrew its own."
    ),
    Reason.NO_INTERFACE: "No interface of the node can announce the address.",
    Reason.NO_SPEAKER: "No speaker reports a segment on which it could announce the address.",
    Reason.MAP_FULL: "The responder's map has no room left for another address on this node.",
    Reason.ADVERTISED: "The node tells its BGP peers a route to the address.",
    Reason.NO_PEER: "There is no BGP peer that the node could tell the route.",
    Reason.NO_SESSION: "Nodes would tell routers a route to it, and have a session with none.",
    Reason.HOLDER: "This node holds the address on the segment and answers for it.",
    Reason.NOT_OWNER: "Another live node holds the address on the segment.",
    Reason.LEARNING: "The speaker listens first, so that it takes nothing that another node holds.",
    Reason.WAITING: "A better-ranked node of the segment should claim the address first.",
    Reason.NO_KEY: "The key for hellos is missing: Secret memberlist, key secretkey.",
    Reason.LEASE_OVER: (
        "The speaker was silent for longer than its lease, so it gave up what it held."
    ),
    Reason.SAME_SEGMENT: "Another interface of this node is on the same segment and answers there.",
    Reason.DUPLICATE_NODE: "Another speaker uses this node's name.",
    Reason.LINK_DOWN: "The interface has no carrier.",
    Reason.HOLDER_LOST: "The holder was not heard any more.",
    Reason.HOLDER_RELEASED: "The holder gave the address up.",
    Reason.HOLDER_REBOOTED: "The holder started anew and no longer holds the address.",
    Reason.HIGHER_EPOCH: "Two nodes held the address; the one with the later claim keeps it.",
    Reason.FIRST_CLAIM: "Nobody held the address; this node ranks best among those that may.",
    Reason.ADOPTED: "The speaker was restarted and took over its own entries.",
    Reason.NOT_CANDIDATE: "This node may not announce the address.",
    Reason.NOT_MATCH_INTERFACE: (
        "The advertisements name interfaces, and the node is on the segment through another one."
    ),
    Reason.NOT_WANTED: "The address is no longer to be announced on this segment.",
    Reason.INTERFACE_EXCLUDED: "The interface's name is on the list of excluded interfaces.",
    Reason.INTERFACE_DOWN: "The interface is down.",
    Reason.INTERFACE_ENSLAVED: "The interface belongs to a bond, bridge or VRF.",
    Reason.INTERFACE_NO_ARP: "The interface does not use ARP.",
    Reason.INTERFACE_NO_BROADCAST: "The interface has no broadcast.",
    Reason.FOREIGN_PROGRAM: (
        "Another XDP program is attached, and a foreign program is never replaced."
    ),
    Reason.ATTACHED: "The responder is attached and has answered its own question.",
    Reason.ATTACH_FAILED: "The responder could not be attached.",
    Reason.SELF_TEST_FAILED: "The responder is attached but did not answer its own question.",
    Reason.SEGMENT_FAILED: "The responder is attached, but its segment cannot be opened.",
}


TURN_OFF_ANY = (
    "Stop that program, or let it pass over this Service: create the Service with a"
    " spec.loadBalancerClass that only Vipcast serves (--lb-class)."
)
TURN_OFF: Mapping[str, str] = {
    "k3s": "Start the servers of k3s with --disable=servicelb.",
    "vipcast-controller": "Let one vipcast-controller run, or give each one its own --lb-class.",
}
"""How to keep a program off the status of Services, by the name of its writes."""


def sentence(reason: Reason) -> str:
    """What a person reads for a reason."""
    return SENTENCES[reason]


def status_contested(writer: str, shows: Sequence[str]) -> str:
    """What a person reads about a Service whose status another program keeps writing.

    `writer` is the name by which the API server knows that program, "" if it is not known; `shows`
    is what it writes.
    """
    name = writer or "Another program"
    puts = f"puts {', '.join(shows)} into" if shows else "empties"
    return (
        f"{name} {puts} the Service's status again whenever Vipcast has written it, so Vipcast"
        f" leaves it alone for a while. {TURN_OFF.get(writer, TURN_OFF_ANY)}"
    )
