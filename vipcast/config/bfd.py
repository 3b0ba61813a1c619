"""BFD profiles, those of the old ConfigMap and objects alike: timers that peers refer to by name.

They are checked and kept; BFD is not spoken in this version, which they are warned of, and so is
each peer that names one: its session comes up without.
"""

from __future__ import annotations

from collections.abc import Callable

from vipcast.config.schema import KEEP_OR_REMOVE, Section
from vipcast.model.peer import BfdProfile

KEY = "bfd-profiles"
KEYS = (
    "name",
    "receive-interval",
    "transmit-interval",
    "detect-multiplier",
    "echo-interval",
    "echo-mode",
    "passive-mode",
    "minimum-ttl",
)
_FIELDS = KEYS[1:]
UNSPOKEN = "BFD is not spoken in this version."
WITHOUT = f"The session comes up without BFD. {UNSPOKEN}"
INTERVAL = (10, 60000)
"""Milliseconds."""


def camel(key: str) -> str:
    """A key in the spelling of Kubernetes objects: "echo-mode" is echoMode there."""
    first, *others = key.split("-")
    return first + "".join(map(str.capitalize, others))


OBJECT_KEYS = tuple(map(camel, _FIELDS))
"""The fields of a BFDProfile's spec."""


def read_profiles(top: Section) -> tuple[BfdProfile, ...]:
    """Every profile that has a name."""
    profiles: dict[str, BfdProfile] = {}
    places: dict[str, str] = {}
    for path, item in top.items(KEY, "Write a list.", "none"):
        section = top.reader.section(item, path, KEYS)
        if section is None:
            continue
        name = section.needed(
            "name", "The profile has no name.", "Add the key name.", "Give the profile a name."
        )
        profile = read_profile(section, name or "", str)
        if name is None:
            continue
        if name in profiles:
            message = f"Another profile has this name already: {places[name]}."
            top.reader.refuse(section.at("name"), name, message, "Rename one of the two.")
        profiles.setdefault(name, profile)
        places.setdefault(name, path)
    return tuple(profiles.values())


def read_profile(section: Section, name: str, spelling: Callable[[str], str]) -> BfdProfile:
    """One profile; the defaults that are noted are those of FRR."""

    def number(key: str, least: int, most: int, default: str) -> int | None:
        return section.number(spelling(key), least, most, default=default)

    section.reader.warn(section.path, name, UNSPOKEN, KEEP_OR_REMOVE)
    return BfdProfile(
        name=name,
        receive_interval=number("receive-interval", *INTERVAL, "300"),
        transmit_interval=number("transmit-interval", *INTERVAL, "300"),
        detect_multiplier=number("detect-multiplier", 2, 255, "3"),
        echo_interval=number("echo-interval", *INTERVAL, "50"),
        echo_mode=section.flag(spelling("echo-mode"), default=False),
        passive_mode=section.flag(spelling("passive-mode"), default=False),
        minimum_ttl=number("minimum-ttl", 1, 254, "254"),
    )
