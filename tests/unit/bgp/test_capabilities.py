"""What a peer says that it can do: each capability by hand, at its sizes, in every arrangement."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker.bgp.capabilities import read_capabilities
from speaker.bgp.decode import Context, decode
from speaker.bgp.messages import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AfiSafi,
    Capabilities,
    GracefulRestart,
    Open,
)
from tests.unit.bgp.octets import open_with, refused, spelled

NONE = Capabilities()


def parameter(value: bytes, kind: int = 2) -> bytes:
    """An optional parameter, capabilities unless said otherwise."""
    return bytes([kind, len(value)]) + value


def capability(code: int, value: bytes = b"") -> bytes:
    """One capability."""
    return bytes([code, len(value)]) + value


def said(*capabilities: bytes) -> Capabilities:
    """What is understood of an OPEN with these in one parameter."""
    octets = decode(open_with(parameter(b"".join(capabilities))), Context())
    assert isinstance(octets, Open)
    return octets.capabilities


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("01 04 0001 00 01", replace(NONE, families=(IPV4_UNICAST,))),
        ("01 04 0002 ff 01", replace(NONE, families=(IPV6_UNICAST,))),  # reserved: ignored
        ("01 04 4004 00 47", replace(NONE, families=(AfiSafi(0x4004, 71),))),
        ("02 00", replace(NONE, route_refresh=True)),
        ("05 06 0001 0001 0002", replace(NONE, extended_next_hop=((IPV4_UNICAST, 2),))),
        (
            "05 0c 0001 0001 0002 0001 0002 0002",
            replace(NONE, extended_next_hop=((IPV4_UNICAST, 2), (AfiSafi(1, 2), 2))),
        ),
        ("06 00", replace(NONE, extended_message=True)),
        ("40 02 0000", replace(NONE, graceful_restart=GracefulRestart(False, False, 0, ()))),
        ("40 02 8fff", replace(NONE, graceful_restart=GracefulRestart(True, False, 4095, ()))),
        ("40 02 4078", replace(NONE, graceful_restart=GracefulRestart(False, True, 120, ()))),
        ("40 02 3001", replace(NONE, graceful_restart=GracefulRestart(False, False, 1, ()))),
        (
            "40 06 0078 0001 01 7f",
            replace(
                NONE,
                graceful_restart=GracefulRestart(False, False, 120, ((IPV4_UNICAST, False),)),
            ),
        ),
        ("41 04 0000fdea", replace(NONE, four_octet_asn=65002)),
        ("41 04 ffffffff", replace(NONE, four_octet_asn=2**32 - 1)),
        ("46 00", replace(NONE, enhanced_refresh=True)),
        ("45 04 0001 01 01", replace(NONE, others=((69, b"\x00\x01\x01\x01"),))),
        ("47 07 0001 01 80 000e10", replace(NONE, others=((71, b"\x00\x01\x01\x80\x00\x0e\x10"),))),
        ("49 06 04 72 6d 31 00 00", replace(NONE, others=((73, b"\x04rm1\x00\x00"),))),
        ("80 00", replace(NONE, others=((128, b""),))),
        ("00 00", replace(NONE, others=((0, b""),))),
        ("ff 01 00", replace(NONE, others=((255, b"\x00"),))),
    ],
)
def test_each_capability_is_understood_or_kept(octets: str, expected: Capabilities) -> None:
    assert said(spelled(octets)) == expected


@pytest.mark.parametrize(
    ("code", "right"),
    [
        (1, {4}),
        (2, {0}),
        (5, {6, 12, 18}),
        (6, {0}),
        (64, {2, 6, 10, 14, 18}),
        (70, {0}),
    ],
)
def test_one_of_a_wrong_size_is_kept_and_has_no_effect(code: int, right: set[int]) -> None:
    for size in range(20):
        kept = replace(NONE, others=((code, bytes(size)),))
        assert (said(capability(code, bytes(size))) == kept) == (size not in right), size


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 8])
def test_an_as_number_of_a_wrong_size_ends_the_session(size: int) -> None:
    assert refused(open_with(parameter(capability(65, bytes(size)))), Context()) == (2, 0, b"")


EVERYTHING = (
    capability(1, b"\x00\x01\x00\x01"),
    capability(1, b"\x00\x02\x00\x01"),
    capability(2),
    capability(64, b"\x00\x78"),
    capability(65, b"\x00\x00\xfd\xea"),
    capability(200, b"x"),
    capability(200, b"y"),
)


def test_one_parameter_with_all_and_one_for_each_say_the_same() -> None:
    """RFC 5492, section 4: the new form and the old."""
    together = parameter(b"".join(EVERYTHING))
    apart = b"".join(map(parameter, EVERYTHING))
    mixed = (
        parameter(b"") + parameter(b"".join(EVERYTHING[:3])) + parameter(b"".join(EVERYTHING[3:]))
    )
    first = decode(open_with(together), Context())
    assert isinstance(first, Open)
    assert first.asn == 65002
    assert first.capabilities.families == (IPV4_UNICAST, IPV6_UNICAST)
    assert first.capabilities.others == ((200, b"x"), (200, b"y"))
    assert decode(open_with(apart), Context()) == first
    assert decode(open_with(mixed), Context()) == first


def test_what_is_said_twice_counts_once() -> None:
    assert said(*EVERYTHING, *EVERYTHING) == said(*EVERYTHING)


def test_of_graceful_restart_and_the_as_number_the_last_counts() -> None:
    """RFC 4724, section 3."""
    found = said(
        capability(64, b"\x80\x78\x00\x01\x01\x80"),
        capability(65, b"\x00\x00\x00\x07"),
        capability(64, b"\x00\x05"),
        capability(65, b"\x00\x00\x00\x08"),
    )
    assert found.graceful_restart == GracefulRestart(False, False, 5, ())
    assert found.four_octet_asn == 8


def extended(parameters: bytes, *, length: int = 255, size: int | None = None) -> bytes:
    """An OPEN in the form of RFC 9072."""
    told = len(parameters) if size is None else size
    return open_with(b"\xff" + told.to_bytes(2, "big") + parameters, length=length)


def long_parameter(value: bytes, kind: int = 2) -> bytes:
    """An optional parameter with two octets of length."""
    return bytes([kind]) + len(value).to_bytes(2, "big") + value


@pytest.mark.parametrize("length", [255, 254, 1])
def test_parameters_of_extended_length_say_the_same(length: int) -> None:
    """RFC 9072, section 2: what the one octet of length says, but 0, is no longer looked at."""
    plain = decode(open_with(parameter(b"".join(EVERYTHING))), Context())
    octets = extended(long_parameter(b"".join(EVERYTHING)), length=length)
    assert decode(octets, Context()) == plain
    octets = extended(b"".join(map(long_parameter, EVERYTHING)), length=length)
    assert decode(octets, Context()) == plain
    assert decode(extended(b"", length=length), Context()) == decode(open_with(b""), Context())


def test_parameters_may_fill_the_longest_open_there_is() -> None:
    room = 4096 - 29 - 3 - 3
    many = [capability(code, bytes(100)) for code in range(150, 150 + room // 102)]
    many.append(capability(201, bytes(room - 102 * len(many) - 2)))
    octets = extended(long_parameter(b"".join(many)))
    assert len(octets) == 4096
    found = decode(octets, Context())
    assert isinstance(found, Open)
    assert len(found.capabilities.others) == len(many)


def test_a_capability_of_255_octets_fits_the_plain_form_only_without_its_parameter() -> None:
    largest = parameter(capability(200, bytes(251)))
    assert len(largest) == 255
    assert decode(open_with(largest), Context()) == decode(
        extended(long_parameter(capability(200, bytes(251)))), Context()
    )
    found = decode(extended(long_parameter(capability(200, bytes(255)))), Context())
    assert isinstance(found, Open)
    assert found.capabilities.others == ((200, bytes(255)),)


@pytest.mark.parametrize("kind", [0, 1, 3, 254])
def test_a_parameter_of_another_type_is_not_supported(kind: int) -> None:
    assert refused(open_with(parameter(b"", kind)), Context()) == (2, 4, b"")
    assert refused(extended(long_parameter(b"", kind)), Context()) == (2, 4, b"")


def test_type_255_is_not_supported_but_as_the_first_of_the_plain_form() -> None:
    """RFC 9072, section 3."""
    octets = open_with(parameter(capability(2)) + parameter(b"", 255))
    assert refused(octets, Context()) == (2, 4, b"")
    assert refused(extended(long_parameter(b"", 255)), Context()) == (2, 4, b"")


@pytest.mark.parametrize(
    ("octets", "length"),
    [
        ("02", 1),  # no length
        ("02 01", 2),  # no value
        ("02 03 02 00", 4),  # one octet too few
        ("02 02 02 00", 3),  # the parameters are longer than they say
        ("02 02 02 00", 5),  # and shorter
        ("02 02 02 00", 0),  # there is something where nothing should be
        ("", 1),
        ("02 01 02", 3),  # a capability without a length
        ("02 02 02 01", 4),  # one without its value
        ("02 04 02 00 41 04", 6),  # the second without its value
        ("ff", 255),  # no extended length
        ("ff 00", 255),
        ("ff 0001", 255),  # no parameter
        ("ff 0000 02", 255),  # one that is not counted
        ("ff 0002 02 00", 255),  # half a length
        ("ff 0004 02 0002 02", 255),  # one octet too few
        ("ff 0005 02 0001 02 00", 255),  # one octet of the next parameter
    ],
)
def test_parameters_that_do_not_fit_end_the_session(octets: str, length: int) -> None:
    assert refused(open_with(spelled(octets), length=length), Context()) == (2, 0, b"")


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=12)), max_size=20))
def test_any_capabilities_are_understood_alike_in_every_form(
    pairs: list[tuple[int, bytes]],
) -> None:
    pairs = [(code, value) for code, value in pairs if code != 65 or len(value) == 4]
    capabilities = [capability(code, value) for code, value in pairs]
    block = b"".join(map(long_parameter, capabilities))
    long = read_capabilities(b"\xff\xff" + len(block).to_bytes(2, "big") + block)
    one = long_parameter(b"".join(capabilities))
    assert read_capabilities(b"\x01\xff" + len(one).to_bytes(2, "big") + one) == long
    assert all(pair in pairs for pair in long.others)
    short = b"".join(map(parameter, capabilities))
    if len(short) <= 255:
        assert read_capabilities(bytes([len(short)]) + short) == long
