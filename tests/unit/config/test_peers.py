"""The sections peers and bfd-profiles: what is right is kept, what is wrong is named."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from tests.unit.config.making import OBJECT, findings, good
from vipcast.model.errors import Finding
from vipcast.model.peer import BfdProfile, Peer

NEEDED = {"my-asn": "64512", "peer-asn": "64513", "peer-address": "10.0.0.1"}
ADDRESS = "Write an address such as 192.0.2.1."
DURATION = 'Write a number with its unit, such as "90s" or "1m30s".'
ASN = "a number from 0 to 4294967295"
INTERVAL = "a number from 10 to 60000"


def peer(**keys: str | None) -> str:
    """A document with one peer; underscores stand for dashes, None leaves a key out."""
    given: dict[str, str | None] = {**NEEDED}
    given.update((key.replace("_", "-"), value) for key, value in keys.items())
    inner = ", ".join(f"{key}: {value}" for key, value in given.items() if value is not None)
    return f"peers: [{{{inner}}}]"


def profile(inner: str) -> str:
    return f"bfd-profiles: [{{{inner}}}]"


def test_a_peer_needs_two_as_numbers_and_an_address() -> None:
    assert good(peer()).peers == (Peer("peer1", 64512, 64513, IPv4Address("10.0.0.1")),)


def test_every_key_of_a_peer_is_kept() -> None:
    document = peer(
        my_asn="4200000001",
        peer_asn="4294967295",
        peer_address="'2001:db8::1'",
        source_address="'2001:db8::2'",
        peer_port="1179",
        hold_time="1m30.9s",
        keepalive_time="10s",
        router_id="10.0.0.9",
        password="'a b '",
        ebgp_multihop="yes",
    )
    assert good(document).peers == (
        Peer(
            "peer1",
            my_asn=4200000001,
            peer_asn=4294967295,
            address=IPv6Address("2001:db8::1"),
            port=1179,
            source=IPv6Address("2001:db8::2"),
            hold_time=90,
            keepalive_time=10,
            router_id=IPv4Address("10.0.0.9"),
            password="a b ",
            ebgp_multihop=True,
        ),
    )


@pytest.mark.parametrize("value", ["", "~", "''"])
def test_a_key_without_a_value_means_the_default(value: str) -> None:
    empty = peer(
        source_address=value, hold_time=value, router_id=value, password=value, bfd_profile=value
    )
    assert good(empty) == good(peer())


def test_port_0_means_the_default() -> None:
    assert good(peer(peer_port="0")).peers[0].port == 179


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("0s", 0), ("3s", 3), ("999ms", 0)])
def test_a_hold_time_is_zero_or_three_seconds_and_more(text: str, seconds: int) -> None:
    assert good(peer(hold_time=f"'{text}'")).peers[0].hold_time == seconds


def test_where_the_hold_time_cannot_be_read_nothing_is_said_of_the_keepalive_time() -> None:
    found = findings(peer(hold_time="1s", keepalive_time="100s"))
    assert [each.field for each in found] == ["peers[0].hold-time"]


def test_peers_are_numbered_as_they_stand() -> None:
    items = (
        f"{{my-asn: 64512, peer-asn: 64513, peer-address: 10.0.0.{number}}}" for number in (1, 2)
    )
    document = f"peers: [{', '.join(items)}]"
    assert [each.name for each in good(document).peers] == ["peer1", "peer2"]


@pytest.mark.parametrize(
    ("document", "field", "value", "message", "fix"),
    [
        ("peers: {a: 1}", "", "", "This is a mapping; it must be a list.", "Write a list."),
        (
            peer(my_asn=None),
            "[0].my-asn",
            "",
            "The peer has no AS number here.",
            "Write my-asn with a number from 1 to 4294967295.",
        ),
        (
            peer(peer_asn="0"),
            "[0].peer-asn",
            "0",
            "The peer has no AS number here.",
            "Write peer-asn with a number from 1 to 4294967295.",
        ),
        (
            peer(my_asn="4294967296"),
            "[0].my-asn",
            "4294967296",
            f"This is not right; it must be {ASN}.",
            "Correct it.",
        ),
        (
            peer(my_asn="'64512'"),
            "[0].my-asn",
            '"64512"',
            f"This is text; it must be {ASN}.",
            "Write it without quotes.",
        ),
        (
            peer(peer_address=None),
            "[0].peer-address",
            "",
            "The peer has no address.",
            "Write peer-address with the neighbour's address.",
        ),
        (
            peer(peer_address="tor-1"),
            "[0].peer-address",
            "tor-1",
            "'tor-1' is not an IP address.",
            ADDRESS,
        ),
        (
            peer(peer_address="2001:db8::1%eth0"),
            "[0].peer-address",
            "2001:db8::1%eth0",
            "'2001:db8::1%eth0' names an interface, as only link-local addresses may.",
            ADDRESS,
        ),
        (
            peer(source_address="fe80::1%eth0"),
            "[0].source-address",
            "fe80::1%eth0",
            "'fe80::1%eth0' names an interface, which is not read here.",
            ADDRESS,
        ),
        (
            peer(source_address="10.0.0.1"),
            "[0].source-address",
            "10.0.0.1",
            "Both ends have the same address.",
            "Correct one of the two.",
        ),
        (
            peer(source_address="10.0.0.256"),
            "[0].source-address",
            "10.0.0.256",
            "'10.0.0.256' is not an IP address.",
            ADDRESS,
        ),
        (
            peer(router_id="'2001:db8::1'"),
            "[0].router-id",
            "2001:db8::1",
            "A router ID is written as an IPv4 address.",
            ADDRESS,
        ),
        (
            peer(peer_port="65536"),
            "[0].peer-port",
            "65536",
            "This is not right; it must be a number from 0 to 65535.",
            "Correct it.",
        ),
        (peer(hold_time="90"), "[0].hold-time", "90", "The unit is missing.", DURATION),
        (
            peer(hold_time="2s"),
            "[0].hold-time",
            "2s",
            "It must be 0, or 3 to 65535 whole seconds.",
            DURATION,
        ),
        (
            peer(hold_time="-5s"),
            "[0].hold-time",
            "-5s",
            "It must be 0, or 3 to 65535 whole seconds.",
            DURATION,
        ),
        (
            peer(hold_time="19h"),
            "[0].hold-time",
            "19h",
            "It must be 0, or 3 to 65535 whole seconds.",
            DURATION,
        ),
        (
            peer(hold_time="9s", keepalive_time="10s"),
            "[0].keepalive-time",
            "10s",
            "It must be no longer than the hold time, 9s.",
            DURATION,
        ),
        (
            peer(keepalive_time="91s"),
            "[0].keepalive-time",
            "91s",
            "It must be no longer than the hold time, 90s.",
            DURATION,
        ),
        (
            peer(password="[secret]"),
            "[0].password",
            "",
            "This is a list; it must be text.",
            "Write the password as text.",
        ),
        (
            peer(password="'" + "x" * 81 + "'"),
            "[0].password",
            "(hidden)",
            "It is longer than 80 bytes, and TCP-MD5 takes no more.",
            "Agree on a shorter one with the router.",
        ),
        (
            peer(ebgp_multihop="true", peer_asn="64512"),
            "[0].ebgp-multihop",
            "true",
            "Both ends are in one AS, so this is no eBGP session.",
            "Remove it, or correct my-asn or peer-asn.",
        ),
        (
            peer(bfd_profile="fast"),
            "[0].bfd-profile",
            "fast",
            "There is no such BFD profile.",
            "Add it to bfd-profiles, or remove the key.",
        ),
        (
            f"bfd-profiles: [{{name: fast}}]\n{peer(bfd_profile='fasd')}",
            "[0].bfd-profile",
            "fasd",
            "There is no such BFD profile.",
            "Did you mean fast?",
        ),
        (
            peer(peer_adress="10.0.0.2"),
            "[0].peer-adress",
            "10.0.0.2",
            "There is no such key.",
            "Did you mean peer-address?",
        ),
        (
            "peers:\n" + 2 * "- {my-asn: 64512, peer-asn: 64513, peer-address: 10.0.0.1}\n",
            "[1]",
            "10.0.0.1",
            "The same peer is in the list already: peers[0].",
            "Remove one of the two.",
        ),
    ],
)
def test_a_peer_that_is_wrong_is_named(
    document: str, field: str, value: str, message: str, fix: str
) -> None:
    assert findings(document) == (Finding(OBJECT, f"peers{field}", value, message, fix),)


@pytest.mark.parametrize("key", ["pasword", "passwd", "pwd", "Password", "password ", "md5"])
def test_a_misspelled_password_does_not_show(key: str) -> None:
    document = f"peers: [{{my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1, '{key}': hunter2}}]"
    (found,) = findings(document)
    assert found.value == "(hidden)"
    assert "hunter2" not in str(found)


def test_two_peers_of_one_address_that_differ_are_two() -> None:
    document = peer().replace(
        "peers: [", "peers: [{my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1}, "
    )
    assert len(good(document).peers) == 2


def test_a_password_is_never_shown() -> None:
    config = good(peer(password="sesame"))
    assert config.peers[0].password == "sesame"
    assert "sesame" not in f"{config!r} {config.settings!r}"


def test_every_key_of_a_profile_is_kept() -> None:
    document = profile(
        "name: fast, receive-interval: 10, transmit-interval: 60000, detect-multiplier: 2,"
        " echo-interval: 50, echo-mode: true, passive-mode: true, minimum-ttl: 1"
    )
    assert good(document).bfd_profiles == (
        BfdProfile("fast", 10, 60000, 2, 50, echo_mode=True, passive_mode=True, minimum_ttl=1),
    )
    assert good(profile("name: fast")).bfd_profiles == (BfdProfile("fast"),)


@pytest.mark.parametrize(
    ("document", "field", "value", "message", "fix"),
    [
        ("bfd-profiles: 5", "", "5", "This is not right; it must be a list.", "Write a list."),
        (
            profile("echo-mode: true"),
            "[0].name",
            "",
            "The profile has no name.",
            "Add the key name.",
        ),
        (
            "bfd-profiles: [{name: a}, {name: a}]",
            "[1].name",
            "a",
            "Another profile has this name already: bfd-profiles[0].",
            "Rename one of the two.",
        ),
        *(
            (
                profile(f"name: a, {key}: {value}"),
                f"[0].{key}",
                value,
                f"This is not right; it must be {wanted}.",
                "Correct it.",
            )
            for key, value, wanted in [
                ("receive-interval", "9", INTERVAL),
                ("transmit-interval", "60001", INTERVAL),
                ("echo-interval", "50ms", INTERVAL),
                ("detect-multiplier", "1", "a number from 2 to 255"),
                ("minimum-ttl", "255", "a number from 1 to 254"),
            ]
        ),
        (
            profile("name: a, echo-mode: 1"),
            "[0].echo-mode",
            "1",
            "This is not right; it must be true or false.",
            "Write true or false, without quotes.",
        ),
    ],
)
def test_a_profile_that_is_wrong_is_named(
    document: str, field: str, value: str, message: str, fix: str
) -> None:
    assert findings(document) == (Finding(OBJECT, f"bfd-profiles{field}", value, message, fix),)
