"""What somebody can do about a Reason: one sentence each, for where nobody has said more.

`NOTHING` are the reasons that ask for nothing: they say how it is, or pass by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from vipcast.model.reasons import Reason

STEPS: Mapping[Reason, str] = {
    # No address.
    Reason.NOT_LOAD_BALANCER: "Write type: LoadBalancer if it should have an address.",
    Reason.OTHER_CLASS: (
        "Leave spec.loadBalancerClass out, or name the class by --lb-class of both programs."
    ),
    Reason.NO_CLASS: (
        "Name a class by spec.loadBalancerClass, or give both programs --lb-class-default=true."
    ),
    Reason.NO_CLUSTER_IP: "Leave out clusterIP: None, or choose another type.",
    Reason.INVALID_REQUEST: "Write one address of a pool, or leave it out.",
    Reason.UNKNOWN_POOL: "Name a pool that exists: `vipcast explain config` shows them.",
    Reason.POOL_MISMATCH: "Change one of the two.",
    Reason.POOL_NOT_FOR_SERVICE: "Ask for another pool, or change the pool's serviceAllocation.",
    Reason.NOT_IN_ANY_POOL: "Ask for an address of a pool, or add this one to a pool.",
    Reason.ADDRESS_IN_USE: (
        "Ask for another address, free it there, or let both share it (allow-shared-ip)."
    ),
    Reason.SHARING_REFUSED: (
        "Give both Services the same key and different ports, or ask for another address."
    ),
    Reason.BUGGY_ADDRESS: "Ask for another address, or leave out avoid-buggy-ips.",
    Reason.FAMILY_UNSUPPORTED: (
        "Write a BGPAdvertisement for the pool of an IPv6 address; let ipFamilies name one family."
    ),
    Reason.NO_CONFIG: "`vipcast explain config` says what is wrong with it.",
    Reason.NO_AUTO_ASSIGN_POOL: (
        "Name a pool by the annotation address-pool, or let a pool have auto-assign."
    ),
    Reason.NO_ADDRESS_OF_FAMILY: "Add addresses of that family to a pool.",
    Reason.POOL_EXHAUSTED: "Add addresses to a pool, or delete a Service that is not needed.",
    Reason.STATUS_CONTESTED: (
        "Stop that program, or give the Service a spec.loadBalancerClass that only Vipcast serves"
        " (--lb-class)."
    ),
    Reason.POOL_CHANGED: "Add the address to a pool again if the Service should have it back.",
    Reason.CONFLICT: "Ask for another address, or let both share it (allow-shared-ip).",
    # Announcing: the plan of one node.
    Reason.NO_IP_ALLOCATED: "Look whether vipcast-controller runs: it has not decided yet.",
    Reason.INVALID_IP: "Remove it from the status; the controller writes an address there.",
    Reason.NO_MATCHING_ADVERTISEMENT: (
        "Write an L2Advertisement or a BGPAdvertisement that is for all three."
    ),
    Reason.CONFLICTING_ADVERTISEMENTS: (
        "Give both the same localPref, or other peers or Services."
    ),
    Reason.SHARED_WITH_SELECTOR: (
        "Leave out the annotation allow-shared-ip, or the serviceSelectors."
    ),
    Reason.NO_COMMON_NODE: "Look at the traffic policies, and where the endpoints run.",
    Reason.NO_ENDPOINTS: "Look at the Service's selector, and whether its pods are ready.",
    Reason.NO_LOCAL_ENDPOINTS: (
        "Run a pod of the Service there, or write externalTrafficPolicy: Cluster."
    ),
    Reason.NODE_EXCLUDED: "Remove the label if the node should announce addresses.",
    Reason.NODE_NETWORK_UNAVAILABLE: "Look at the node's network plugin, which sets it.",
    Reason.NODE_UNKNOWN: "Create it, or give the speaker the Node's name by --node-name.",
    Reason.NODE_DRAINED: "Run `vipcast drain NODE --undo` if it should announce addresses again.",
    Reason.NODE_CORDONED: "Run `kubectl uncordon NODE` if it should tell routes again.",
    Reason.NO_INTERFACE: "`vipcast explain node/NAME` says what each interface lacks.",
    Reason.NO_SPEAKER: (
        "Start vipcast-speaker on a node with an interface on the clients' network."
    ),
    Reason.MAP_FULL: "Have fewer addresses announced through this node.",
    Reason.NOT_MATCH_INTERFACE: "Add the interface to spec.interfaces of an L2Advertisement.",
    # Announcing: the routes of one node.
    Reason.NO_PEER: "Write a BGPPeer that is for the node and for routes of this family.",
    Reason.NO_SESSION: "`vipcast status bgp` says why, and what to look at.",
    # Announcing: leadership on one segment.
    Reason.NO_KEY: "Look whether vipcast-controller runs: it makes the Secret.",
    Reason.LEASE_OVER: (
        "If it happens again, give the speaker more processor time (vipcast_loop_lag_seconds)."
    ),
    Reason.DUPLICATE_NODE: "Give each speaker the name of its own Node by --node-name.",
    Reason.LINK_DOWN: "Look at the cable and the switch's port.",
    Reason.HOLDER_LOST: "Look whether its speaker runs and its cable is in.",
    # Interfaces.
    Reason.INTERFACE_DOWN: "Set it up (ip link set NAME up) if it should announce addresses.",
    Reason.FOREIGN_PROGRAM: "Take that program off (ip link set NAME xdp off) if nobody needs it.",
    Reason.ATTACH_FAILED: "The speaker's log says why (word attach); it is tried again.",
    Reason.SELF_TEST_FAILED: "Try --xdp-mode=generic; the speaker's log says what came back.",
    Reason.SEGMENT_FAILED: "The speaker's log says why (word attach); it is tried again.",
}

NOTHING: frozenset[Reason] = frozenset(
    {
        Reason.ALLOCATED,
        Reason.KEPT,
        Reason.REQUEST_CHANGED,
        Reason.ADVERTISED,
        Reason.HOLDER,
        Reason.NOT_OWNER,
        Reason.LEARNING,
        Reason.WAITING,
        Reason.SAME_SEGMENT,
        Reason.HOLDER_RELEASED,
        Reason.HOLDER_REBOOTED,
        Reason.HIGHER_EPOCH,
        Reason.FIRST_CLAIM,
        Reason.ADOPTED,
        Reason.NOT_CANDIDATE,
        Reason.NOT_WANTED,
        Reason.INTERFACE_EXCLUDED,
        Reason.INTERFACE_ENSLAVED,
        Reason.INTERFACE_NO_ARP,
        Reason.INTERFACE_NO_BROADCAST,
        Reason.ATTACHED,
    }
)
