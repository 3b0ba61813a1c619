"""Every metric by name: type, labels, and a help text that says what to do about it.

MetalLB's names (metallb_…) stand where the meaning is the same, ours (vipcast_…) for the rest.
Values come from vipcast.ops.metrics. docs/operations.md lists the same names; a test compares them.
"""

from __future__ import annotations

from typing import Final

from vipcast.ops import bgpfamilies as bgp
from vipcast.ops.family import Family

# Both programs.
BUILD_INFO: Final = Family(
    "vipcast_build_info",
    "gauge",
    "1, with the version that runs as its label.",
    ("version",),
)
UPDATES: Final = Family(
    "metallb_k8s_client_updates_total",
    "counter",
    "Changed objects that were worked on.",
)
UPDATE_ERRORS: Final = Family(
    "metallb_k8s_client_update_errors_total",
    "counter",
    "Changed objects whose work failed and is tried again.",
    alarm="Rising: mend what refuses the write; the log names the object and the error.",
)
CONFIG_LOADED: Final = Family(
    "metallb_k8s_client_config_loaded_bool",
    "gauge",
    "1 once a valid configuration was loaded.",
    alarm="0: run `vipcast status` and correct what it finds wrong.",
)
CONFIG_STALE: Final = Family(
    "metallb_k8s_client_config_stale_bool",
    "gauge",
    "1 while the newest configuration is refused and an older one is in force, or there is none.",
    alarm="1: run `vipcast status` and correct what it finds wrong.",
)
CONFIG_FINDINGS: Final = Family(
    "vipcast_config_findings",
    "gauge",
    "Errors in the newest configuration.",
    alarm="Above 0: run `vipcast status`, which lists each with its fix.",
)
CONFIG_WARNINGS: Final = Family(
    "vipcast_config_warnings",
    "gauge",
    "Values of the configuration in force that are accepted and have no effect.",
    alarm="Above 0: see condition vipcast.io/withoutEffect of the ConfigurationState.",
)
SOURCE_ALIVE: Final = Family(
    "vipcast_source_alive",
    "gauge",
    "1 while changes of objects are being followed.",
    alarm="0: see /readyz for the cause; what is announced stays, nothing new comes.",
)
SOURCE_SYNCED: Final = Family(
    "vipcast_source_synced",
    "gauge",
    "1 once all objects were read for the first time.",
    alarm="0 for long: see /readyz for what is waited for.",
)
SOURCE_PROBLEMS: Final = Family(
    "vipcast_source_problems",
    "gauge",
    "Files or objects that cannot be read.",
    alarm="Above 0: run `vipcast status`, which lists each with its fix.",
)
LOOP_LAG: Final = Family(
    "vipcast_loop_lag_seconds",
    "gauge",
    "How late the program's loop was at worst in the last minute.",
    alarm="Near 0.8 a speaker loses its lease: give it more processor time.",
)

# Controller.
ADDRESSES: Final = Family(
    "metallb_allocator_addresses_total",
    "gauge",
    "Addresses that the pool may hand out.",
    ("pool",),
)
ADDRESSES_V4: Final = Family(
    "metallb_allocator_ipv4_addresses_total",
    "gauge",
    "IPv4 addresses that the pool may hand out.",
    ("pool",),
)
ADDRESSES_V6: Final = Family(
    "metallb_allocator_ipv6_addresses_total",
    "gauge",
    "IPv6 addresses that the pool may hand out.",
    ("pool",),
)
IN_USE: Final = Family(
    "metallb_allocator_addresses_in_use_total",
    "gauge",
    "Addresses of the pool that Services have; one that they share counts once.",
    ("pool",),
    alarm="Near metallb_allocator_addresses_total: add addresses to the pool.",
)
IN_USE_V4: Final = Family(
    "metallb_allocator_ipv4_addresses_in_use_total",
    "gauge",
    "IPv4 addresses of the pool that Services have; one that they share counts once.",
    ("pool",),
    alarm="Near metallb_allocator_ipv4_addresses_total: add addresses to the pool.",
)
IN_USE_V6: Final = Family(
    "metallb_allocator_ipv6_addresses_in_use_total",
    "gauge",
    "IPv6 addresses of the pool that Services have; one that they share counts once.",
    ("pool",),
    alarm="Near metallb_allocator_ipv6_addresses_total: add addresses to the pool.",
)
SERVICES: Final = Family(
    "metallb_allocator_services_allocated_total",
    "gauge",
    "Services that have an address of the pool.",
    ("pool",),
)
WITHOUT_ADDRESS: Final = Family(
    "vipcast_services_without_address",
    "gauge",
    "Services of type LoadBalancer without an address, by reason.",
    ("reason",),
    alarm="Above 0: run `vipcast explain SERVICE`, which says what to do.",
)

# Speaker: what it announces.
ANNOUNCED: Final = Family(
    "metallb_speaker_announced",
    "gauge",
    "1 for each Service and address that this node answers for, or that it tells a router of.",
    ("service", "protocol", "node", "ip"),
    alarm="None on all nodes for an address: run `vipcast explain SERVICE`, which says why.",
)
UNANNOUNCED: Final = Family(
    "vipcast_unannounced",
    "gauge",
    "Addresses that this node finds no way to announce, by reason.",
    ("reason",),
    alarm="Above 0: run `vipcast explain SERVICE`, which says what to do.",
)

# Speaker: requests, as the XDP program counted them.
REQUESTS: Final = Family(
    "metallb_layer2_requests_received",
    "counter",
    "ARP requests for the address that reached this node, whoever answered.",
    ("ip",),
)
RESPONSES: Final = Family(
    "metallb_layer2_responses_sent",
    "counter",
    "ARP requests that this node answered.",
    ("ip",),
)
DROPPED: Final = Family(
    "vipcast_layer2_dropped_total",
    "counter",
    "ARP requests kept from this node's own network stack; elsewhere is as it should be.",
    ("ip", "reason"),
    alarm=(
        "leaseOver or fenced rising on a holder: give its speaker more processor time, or start it."
    ),
)
PASSED: Final = Family(
    "vipcast_layer2_passed_total",
    "counter",
    "ARP requests left to this node's own network stack.",
    ("ip", "reason"),
    alarm="Rising: start the speaker, or uninstall it with `vipcast-speaker --uninstall`.",
)
GRATUITOUS: Final = Family(
    "metallb_layer2_gratuitous_sent",
    "counter",
    "Gratuitous ARP frames sent.",
    ("ip",),
)
GRATUITOUS_FAILED: Final = Family(
    "vipcast_layer2_gratuitous_failed_total",
    "counter",
    "Gratuitous ARP frames that did not leave, so that clients learn of moves late.",
    alarm="Rising: look at the link and its driver.",
)

# Speaker: interfaces and leadership.
INTERFACE: Final = Family(
    "vipcast_layer2_interface_answering",
    "gauge",
    "1 if the responder answers on the interface, 0 if it should and cannot.",
    ("interface", "mode"),
    alarm="0: run `vipcast status`, which says why.",
)
CONDITION: Final = Family(
    "vipcast_layer2_condition",
    "gauge",
    "1 while the segment is in this state; learning passes by itself.",
    ("interface", "reason"),
    alarm=(
        "noKey: create the Secret; duplicateNodeName: give each speaker its own --node-name;"
        " linkDown: look at the link."
    ),
)
MEMBERS: Final = Family(
    "vipcast_layer2_members",
    "gauge",
    "Other speakers heard on the segment.",
    ("interface",),
    alarm="Fewer than other nodes on it: start their speakers, and let hellos (UDP 7473) through.",
)
HELLOS_SENT: Final = Family(
    "vipcast_layer2_hellos_sent_total",
    "counter",
    "Hellos sent on the segment.",
    ("interface",),
)
HELLOS_RECEIVED: Final = Family(
    "vipcast_layer2_hellos_received_total",
    "counter",
    "Hellos of other speakers that were genuine and fresh.",
    ("interface",),
)
HELLOS_REJECTED: Final = Family(
    "vipcast_layer2_hellos_rejected_total",
    "counter",
    "Hellos that were not believed.",
    ("interface", "reason"),
    alarm="Rising: give all nodes the same Secret; if they have it, look for who forges them.",
)
HELLO_FAILURES: Final = Family(
    "vipcast_layer2_hello_failures_total",
    "counter",
    "Hellos that could not be sent or read, by cause.",
    ("cause",),
    alarm="Rising: look at the link.",
)
TAKEN: Final = Family(
    "vipcast_layer2_taken_total",
    "counter",
    "Addresses that this node took, by reason.",
    ("reason",),
    alarm="holderLost rising: look for nodes or links that fail.",
)
GIVEN_UP: Final = Family(
    "vipcast_layer2_given_up_total",
    "counter",
    "Addresses that this node held and gave up, by reason.",
    ("reason",),
    alarm="leaseOver rising: give the speaker more processor time; see vipcast_loop_lag_seconds.",
)
LEASE_GAPS: Final = Family(
    "vipcast_layer2_lease_gaps_total",
    "counter",
    "How often the lease of a segment ran out while the speaker lived, whether or not it held"
    " anything.",
    alarm="Rising: give the speaker more processor time; see that the key and the link are there.",
)
TAKEOVER: Final = Family(
    "vipcast_layer2_takeover_seconds",
    "histogram",
    "From the last sign of a lost holder until this node answered.",
    alarm="Above 2: give nodes more processor time.",
)
COMMON: Final = (
    BUILD_INFO,
    UPDATES,
    UPDATE_ERRORS,
    CONFIG_LOADED,
    CONFIG_STALE,
    CONFIG_FINDINGS,
    CONFIG_WARNINGS,
    SOURCE_ALIVE,
    SOURCE_SYNCED,
    SOURCE_PROBLEMS,
    LOOP_LAG,
)
CONTROLLER: Final = (
    *COMMON,
    ADDRESSES,
    ADDRESSES_V4,
    ADDRESSES_V6,
    IN_USE,
    IN_USE_V4,
    IN_USE_V6,
    SERVICES,
    WITHOUT_ADDRESS,
)
SPEAKER: Final = (
    *COMMON,
    ANNOUNCED,
    UNANNOUNCED,
    REQUESTS,
    RESPONSES,
    DROPPED,
    PASSED,
    GRATUITOUS,
    GRATUITOUS_FAILED,
    INTERFACE,
    CONDITION,
    MEMBERS,
    HELLOS_SENT,
    HELLOS_RECEIVED,
    HELLOS_REJECTED,
    HELLO_FAILURES,
    TAKEN,
    GIVEN_UP,
    LEASE_GAPS,
    TAKEOVER,
    *bgp.ALL,
)
