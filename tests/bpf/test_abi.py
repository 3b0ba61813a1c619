"""shared.h and bpf/abi.py say the same: bytes as a compiler lays them out, constants and names."""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

import pytest

from bpf import SOURCES, abi
from speaker.layer2.packing import pack_entry, pack_key, unpack_entry, unpack_key
from speaker.layer2.table import Entry, EntryKey, EntryState
from vipcast.model.addresses import parse_address

MAC = bytes.fromhex("0a0b0c0d0e0f")


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    directory = tmp_path_factory.mktemp("abi")
    program, source = directory / "abi", Path(__file__).with_name("abi.c")
    command = ["gcc", "-Wall", "-Wextra", "-Wpadded", "-Werror", f"-I{SOURCES.directory}"]
    subprocess.run([*command, source, "-o", program], check=True)
    return subprocess.run([program], capture_output=True, check=True).stdout


def test_python_packs_byte_for_byte_what_a_c_compiler_lays_out(laid_out: bytes) -> None:
    four = EntryKey(7, parse_address("192.0.2.240"))
    six = EntryKey(0x01020304, parse_address("2001:db8::1:2"))
    entry = Entry(EntryState.LEAVING, slot=2, term=3 << 40, epoch=4 << 40, counter=5, mac=MAC)
    node = abi.SLOT.pack(1 << 50, 2, 3, 4, 5, 6, 7, 8)
    lease = abi.SLOT.pack(1 << 50, 2, 3, 4, 5, 6, 7, 8)
    counts = struct.pack("=8Q", *range(100, 100 + len(abi.VERDICTS)))
    parts = [pack_key(four), pack_key(six), pack_entry(entry), node, lease, counts]
    assert b"".join(parts) == laid_out
    assert (unpack_key(parts[0]), unpack_key(parts[1])) == (four, six)
    assert unpack_entry(parts[2]) == entry
    assert [len(part) for part in parts] == [
        abi.KEY.size,
        abi.KEY.size,
        abi.ENTRY.size,
        abi.SLOT_BYTES,
        abi.SLOT_BYTES,
        abi.COUNTS_BYTES,
    ]


def test_the_words_of_a_slot_have_the_names_and_places_of_the_structs() -> None:
    assert words_of("vip_node") == [word.name.lower() for word in abi.NodeWord]
    assert words_of("vip_lease") == [word.name.lower() for word in abi.LeaseWord]


def test_the_first_three_words_of_the_node_stay_where_they_are_in_every_version() -> None:
    assert words_of("vip_node")[:3] == ["boot", "term", "fenced"]


def test_enums_have_the_same_names_and_numbers_in_both_languages() -> None:
    assert enum("vip_state") == {f"VIP_{state.name}": state.value for state in abi.State}
    verdicts = {f"VIP_{verdict.name}": number for number, verdict in enumerate(abi.VERDICTS)}
    assert enum("vip_verdict") == {**verdicts, "VIP_VERDICTS": len(abi.VERDICTS)}
    assert all(verdict.value == verdict.name.lower() for verdict in abi.Verdict)


def test_constants_are_the_same_in_both_languages() -> None:
    text = (SOURCES.directory / "shared.h").read_text()
    found = re.findall(r"^#define (VIP_\w+)\s+(\d+)(?:ULL)?\b", text, re.MULTILINE)
    assert {name: int(number) for name, number in found} == {
        "VIP_ENTRIES": abi.ENTRIES,
        "VIP_COUNTERS": abi.COUNTERS,
        "VIP_SLOTS": abi.SLOTS,
        "VIP_COUNTER_OTHER": abi.COUNTER_OTHER,
        "VIP_SLOT_NODE": abi.SLOT_NODE,
        "VIP_SLOT_SELF_TEST": abi.SLOT_SELF_TEST,
        "VIP_HAUNT_NS": abi.HAUNT_NS,
        "VIP_FAMILY_IPV4": abi.FAMILY_IPV4,
        "VIP_FAMILY_IPV6": abi.FAMILY_IPV6,
    }


def test_the_source_hash_covers_every_file_that_the_program_includes() -> None:
    text = SOURCES.main.read_text()
    assert set(re.findall(r'#include "(.+)"', text)) == {
        path.name for path in SOURCES.directory.glob("*.h")
    }


def words_of(name: str) -> list[str]:
    """The 64-bit fields of a struct but for its padding, in their order."""
    body = re.search(rf"struct {name} \{{(.*?)\}};", header(), re.DOTALL)
    assert body is not None
    return re.findall(r"__u64 (\w+);", body.group(1))


def enum(name: str) -> dict[str, int]:
    body = re.search(rf"enum {name} \{{(.*?)\}};", header(), re.DOTALL)
    assert body is not None
    return {key: int(value) for key, value in re.findall(r"(\w+) = (\d+),", body.group(1))}


def header() -> str:
    return (SOURCES.directory / "shared.h").read_text()
