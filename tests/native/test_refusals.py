"""What native/bgpwire refuses, and that it is told apart; single messages and their room."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from native import bgpwire
from native._bgpwire import ffi, lib
from tests.native.calling import UNTOUCHED, Call, within
from tests.native.packing import CLASSIC, GONE, GONE6, IPV6, Said, routes_of


def test_any_bit_beyond_an_ipv4_prefix_is_refused() -> None:
    for length in range(32):
        good, _ = routes_of(length, 4, 1)
        for bit in range(length, 32):
            bad = bytes((length,)) + (1 << 31 - bit).to_bytes(4, "big")
            used = 1 + (length + 7) // 8
            for at in range(5):
                array = b"".join([*good[:at], bad, *good[at:]])
                assert Call(CLASSIC, array).within(9000)[0] == lib.BGPWIRE_HOST_BITS
            if bit < 8 * (used - 1):
                call = Call(CLASSIC, bad[:used], wire_form=True)
                assert call.within(9000)[0] == lib.BGPWIRE_HOST_BITS


def test_any_bit_beyond_an_ipv6_prefix_is_refused() -> None:
    for length in range(128):
        for bit in range(length, 128):
            bad = bytes((length,)) + (1 << 127 - bit).to_bytes(16, "big")
            assert Call(GONE6, bytes(17) + bad).within(9000)[0] == lib.BGPWIRE_HOST_BITS


@pytest.mark.parametrize(("said", "longest"), [(CLASSIC, 32), (GONE, 32), (IPV6, 128)])
@pytest.mark.parametrize("wire_form", [False, True])
def test_a_length_beyond_the_address_is_refused(said: Said, longest: int, wire_form: bool) -> None:
    for length in range(longest + 1, 256):
        call = Call(said, bytes((length,)) + bytes(40), wire_form=wire_form)
        assert call.within(9000)[0] == lib.BGPWIRE_PREFIX_LENGTH


@pytest.mark.parametrize("wire_form", [False, True])
def test_an_array_that_ends_within_a_prefix_is_refused(wire_form: bool) -> None:
    whole = b"\x20\xc0\x00\x02\x01" * 1000
    for missing in range(1, 5):
        call = Call(CLASSIC, whole[:-missing], wire_form=wire_form)
        assert call.within(9000)[0] == lib.BGPWIRE_CUT_PREFIX


def test_counts_that_no_message_holds_are_refused_before_anything_is_read() -> None:
    nothing: Any = ffi.new("struct bgpwire_prefixes *", {"afi": 1})
    out: Any = ffi.new("uint8_t[]", 4096)
    for field in ("as_path_count", "communities_count", "large_communities_count"):
        for count in (4097, 1 << 31, (1 << 62) + 1, (1 << 64) - 1):
            about: Any = ffi.new("struct bgpwire_attributes *", {"next_hop_size": 4, field: count})
            assert lib.bgpwire_announce(about, nothing, out, 4096) == lib.BGPWIRE_TOO_LONG
    for field, can in (
        ("families_count", 0),
        ("hop_families_count", 0),
        ("others_size", 0),
        ("restart_families_count", lib.BGPWIRE_GRACEFUL),
    ):
        for count in (4097, (1 << 62) + 1, (1 << 64) - 1):
            opening: Any = ffi.new("struct bgpwire_open *", {field: count, "can": can})
            assert lib.bgpwire_open(opening, out, 4096) == lib.BGPWIRE_TOO_LONG


def opening(families: int) -> Any:
    """An OPEN with so many families."""
    return ffi.new("struct bgpwire_open *", {"families": _FAMILIES, "families_count": families})


_FAMILIES: Any = ffi.new("struct bgpwire_family[]", 100)
_PLAIN, _EXTENDED = opening(0), opening(43)

SINGLE: dict[str, tuple[Callable[[Any, int], int], int]] = {
    "keepalive": (lib.bgpwire_keepalive, 19),
    "refresh": (partial(lib.bgpwire_route_refresh, 1, 1, 0), 23),
    "end of RIB": (partial(lib.bgpwire_end_of_rib, 1, 1), 23),
    "end of RIB for IPv6": (partial(lib.bgpwire_end_of_rib, 2, 1), 29),
    "notification": (partial(lib.bgpwire_notification, 6, 2, b"abc", 3), 24),
    "longest notification": (partial(lib.bgpwire_notification, 6, 2, bytes(5000), 5000), 4096),
    "shutdown": (partial(lib.bgpwire_shutdown, b"abc", 3), 4),
    "longest shutdown": (partial(lib.bgpwire_shutdown, bytes(300), 300), 256),
    "open": (partial(lib.bgpwire_open, _PLAIN), 29),
    "extended open": (partial(lib.bgpwire_open, _EXTENDED), 35 + 258),
}


@pytest.mark.parametrize("name", SINGLE)
def test_a_single_message_needs_exactly_its_room(name: str) -> None:
    call, size = SINGLE[name]
    for room in range(size):
        assert within(call, room) == (lib.BGPWIRE_NO_ROOM, UNTOUCHED * room)
    result, memory = within(call, size + 1)
    assert (result, memory[size:]) == (size, UNTOUCHED)


def test_every_error_has_a_sentence() -> None:
    codes = [value for name, value in _constants() if value < 0]
    sentences = {str(bgpwire.WireError(code)) for code in codes}
    assert (len(codes), len(sentences)) == (10, 10)


def _constants() -> list[tuple[str, int]]:
    names = [name for name in dir(lib) if name.startswith("BGPWIRE_")]
    return [(name, getattr(lib, name)) for name in names]


def test_the_types_of_the_compiled_module_name_all_that_it_has() -> None:
    stub = Path(bgpwire.__file__).with_name("_bgpwire.pyi").read_text()
    assert [name for name in dir(lib) if name not in stub] == []


def test_the_c_part_compiles_without_a_warning(tmp_path: Path) -> None:
    sources = sorted(Path(bgpwire.__file__).parent.glob("bgpwire*.c"))
    strict = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    assert len(sources) == 3
    for source in sources:
        subprocess.run(["gcc", *strict, "-c", source, "-o", tmp_path / "o"], check=True)
