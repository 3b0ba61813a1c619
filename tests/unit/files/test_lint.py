"""Files are checked as the programs would read them, and each finding has its file and line."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from vipcast.config import places
from vipcast.config.nodes import Node
from vipcast.config.yamltext import Chunk, compose
from vipcast.files.lint import Spot, lint
from vipcast.model.errors import Finding

INPUTS = Path(__file__).parents[2] / "inputs"
SYSTEM = "metallb-system"

MAP = """\
# a comment
apiVersion: v1
kind: ConfigMap
metadata:
  namespace: metallb-system
  name: config
data:
  config: |
    # another one
    address-pools:
    - name: a
      protocol: layer2
      addresses:
      - 192.0.2.0/28
      - 192.0.2.9-192.0.2.1
      auto-asign: true
    peers:
    - peer-address: 10.0.0.1
"""
POOL = """\
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: a, namespace: metallb-system}
spec:
  addresses: [192.0.2.0/28]
"""
ADVERTISEMENT = """\
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata:
  name: ad
  namespace: metallb-system
spec:
  nodeSelectors:
  - matchLabels:
      kubernetes.io/hostname: 5
  ipAddressPools:
  - a
  - b
"""
EVERYWHERE = """\
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: everywhere, namespace: metallb-system}
"""
NODE = """\
apiVersion: v1
kind: Node
metadata: {name: n1}
status:
  addresses:
  - {type: InternalIP, address: 192.0.2.3}
"""


def told(*texts: str, service_cidrs: tuple[IPv4Network, ...] = ()) -> list[tuple[str, int, str]]:
    """File, line and field of what is found in files 0, 1, …."""
    named = {str(number): text for number, text in enumerate(texts)}
    return [
        (spot.file, spot.line, spot.finding.field)
        for spot in lint(named, SYSTEM, service_cidrs=service_cidrs)
    ]


@pytest.mark.parametrize("path", sorted(INPUTS.glob("*.yaml")), ids=lambda path: str(path.name))
def test_inputs_that_users_have_are_in_order(path: Path) -> None:
    found = lint({path.name: path.read_text()}, SYSTEM)
    assert [spot for spot in found if not spot.warning] == []


def test_a_mistake_in_the_config_map_has_its_line_in_the_file() -> None:
    assert lint(
        {"config.yaml": MAP.replace("    peers:\n    - peer-address: 10.0.0.1\n", "")}, SYSTEM
    ) == (
        Spot(
            "config.yaml",
            15,
            Finding(
                "ConfigMap metallb-system/config",
                "address-pools[0].addresses[1]",
                "192.0.2.9-192.0.2.1",
                "The range ends before it begins.",
                "Did you mean 192.0.2.1-192.0.2.9?",
            ),
        ),
        Spot(
            "config.yaml",
            16,
            Finding(
                "ConfigMap metallb-system/config",
                "address-pools[0].auto-asign",
                "true",
                "There is no such key.",
                "Did you mean auto-assign?",
            ),
        ),
    )


def test_a_text_with_many_mistakes_is_read_once_to_find_their_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[Chunk] = []

    def counted(chunk: Chunk, name: str) -> Node | None:
        read.append(chunk)
        return compose(chunk, name)

    monkeypatch.setattr(places, "compose", counted)
    bad = "".join(f"      - 10.0.0.{number}\n" for number in range(100))
    found = told(MAP.replace("      - 192.0.2.0/28\n", bad))
    assert found[:100] == [
        ("0", 14 + number, f"address-pools[0].addresses[{number}]") for number in range(100)
    ]
    assert len(read) == 1


def test_what_is_missing_is_placed_where_it_should_be() -> None:
    assert told(MAP)[2:] == [
        ("0", 18, "peers[0].my-asn"),
        ("0", 18, "peers[0].peer-asn"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("    peers:", "    peers: [", 18),
        ("    peers:", "    ---\n    peers:", 17),
        ("  config: |", "  confug: |", 7),
        ("  config: |", "  config: >", 8),
        ("  namespace: metallb-system", "  namespace: default", 5),
    ],
)
def test_a_config_map_that_is_wrong_as_a_whole_has_its_line(old: str, new: str, line: int) -> None:
    (found,) = told(MAP.replace(old, new).replace("auto-asign", "auto-assign"))[:1]
    assert found[:2] == ("0", line)


def test_mistakes_in_objects_of_several_files_come_together() -> None:
    assert told(NODE, f"# first\n---\n{POOL}---\n{ADVERTISEMENT}") == [
        ("1", 7, "spec.addresses[0]"),
        ("1", 17, "spec.nodeSelectors[0].matchLabels.kubernetes.io/hostname"),
        ("1", 20, "spec.ipAddressPools[1]"),
    ]


def test_a_range_of_cluster_ips_is_taken_into_account() -> None:
    cidrs = (IPv4Network("192.0.2.0/24"),)
    assert told(POOL, EVERYWHERE) == []
    assert told(POOL, EVERYWHERE, service_cidrs=cidrs) == [("0", 5, "spec.addresses[0]")]


def test_both_forms_at_once_are_named() -> None:
    (found,) = lint({"a": MAP, "b": POOL}, SYSTEM)
    assert (found.file, found.line) == ("a", 2)
    assert "IPAddressPool metallb-system/a" in found.finding.message


def test_what_has_no_effect_is_a_warning() -> None:
    stray = POOL.replace("name: a, namespace: metallb-system", "name: b")
    old = "apiVersion: metallb.io/v1beta1\nkind: AddressPool\nmetadata: {name: old}\n"
    found = lint({"pool": POOL, "stray": stray, "old": old}, SYSTEM)
    assert [(spot.file, spot.line, spot.warning) for spot in found] == [
        ("pool", 1, True),
        ("stray", 3, True),
        ("old", 2, True),
    ]


def test_what_is_wrong_does_not_hide_what_has_no_effect() -> None:
    profile = MAP.replace("    peers:", "    bfd-profiles: [{name: fast}]\n    peers:")
    found = lint({"map": profile}, SYSTEM)
    assert [spot.finding.field for spot in found if spot.warning] == ["bfd-profiles[0]"]
    stray = POOL.replace("name: a, namespace: metallb-system", "name: b")
    wrong = POOL.replace("192.0.2.0/28", "192.0.2.0/99")
    found = lint({"pool": wrong, "stray": stray, "ad": EVERYWHERE}, SYSTEM)
    assert [(spot.file, spot.warning) for spot in found] == [("pool", False), ("stray", True)]
    peer = "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: x, namespace: %s}\n"
    found = lint({"peer": peer % SYSTEM, "pool": POOL, "stray": stray, "ad": EVERYWHERE}, SYSTEM)
    assert {(spot.file, spot.warning) for spot in found} == {("peer", False), ("stray", True)}


def test_kinds_of_bgp_are_checked_with_all_the_others() -> None:
    head = "apiVersion: metallb.io/{}\nkind: {}\nmetadata: {{name: x, namespace: metallb-system}}\n"
    peer = head.format("v1beta1", "BGPPeer") + (
        "spec:\n  myASN: 64512\n  peerASN: 64513\n  peerAddress: 10.0.0.1\n  bfdProfile: fast\n"
    )
    ad = head.format("v1beta1", "BGPAdvertisement") + "spec:\n  communities: [x]\n"
    found = lint({"pool": POOL, "peer": peer, "ad": ad}, SYSTEM)
    wrong = [(spot.file, spot.line) for spot in found if not spot.warning]
    assert wrong == [("peer", 8), ("ad", 5)]
    profile = head.format("v1beta1", "BFDProfile").replace("name: x", "name: fast")
    alias = (
        head.format("v1beta1", "Community") + "spec:\n  communities: [{name: x, value: '1:2'}]\n"
    )
    texts = {"pool": POOL, "peer": peer, "ad": ad, "more": f"{profile}---\n{alias}"}
    told = lint(texts, SYSTEM)
    assert {spot.warning for spot in told} == {True}
    assert [spot.line for spot in told if spot.file == "peer"] == [8]


def test_other_objects_are_checked_as_well() -> None:
    service = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  ports:
  - port: http
"""
    assert told("a: [", service, service) == [
        ("0", 1, "line 1"),
        ("1", 1, ""),
        ("1", 7, "spec.ports[0].port"),
    ]


def test_a_configuration_of_another_name_is_found() -> None:
    ((file, line, field),) = told(MAP.replace("  name: config", "  name: metallb"))
    assert (file, line, field) == ("0", 6, "metadata.name")


def test_a_wrong_version_does_not_hide_the_rest() -> None:
    pool = POOL.replace("v1beta1", "v1").replace("/28]", "/33]")
    assert told(pool, ADVERTISEMENT) == [
        ("0", 1, "line 1"),
        ("0", 5, "spec.addresses[0]"),
        ("1", 9, "spec.nodeSelectors[0].matchLabels.kubernetes.io/hostname"),
        ("1", 12, "spec.ipAddressPools[1]"),
    ]


def test_a_node_that_cannot_be_read_as_a_whole_is_compared_with_the_pools() -> None:
    node = NODE.replace("{name: n1}", "{name: n1, labels: {zone: y, row: 5}}")
    assert told(POOL, EVERYWHERE, node) == [
        ("0", 5, "spec.addresses[0]"),
        ("2", 3, "metadata.labels.zone"),
        ("2", 3, "metadata.labels.row"),
    ]


def test_files_without_a_configuration_are_not_asked_for_one() -> None:
    assert lint({"nodes.yaml": NODE, "empty.yaml": ""}, SYSTEM) == ()
