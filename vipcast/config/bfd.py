"""`bfd-profiles` of the old ConfigMap: timers that peers refer to by name.

They are checked and kept; BFD is not spoken in this version, which they are warned of.
"""

from __future__ import annotations

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
INTERVAL = (10, 60000)
"""Milliseconds."""


def read_profiles(top: Section) -> tuple[BfdProfile, ...]:
    """Every profile that has a name; the defaults that are noted are those of FRR."""
    profiles: dict[str, BfdProfile] = {}
    places: dict[str, str] = {}
    for path, item in top.items(KEY, "Write a list.", "none"):
        section = top.reader.section(item, path, KEYS)
        if section is None:
            continue
        name = section.needed(
            "name", "The profile has no name.", "Add the key name.", "Give the profile a name."
        )
        profile = BfdProfile(
            name=name or "",
            receive_interval=section.number("receive-interval", *INTERVAL, default="300"),
            transmit_interval=section.number("transmit-interval", *INTERVAL, default="300"),
            detect_multiplier=section.number("detect-multiplier", 2, 255, default="3"),
            echo_interval=section.number("echo-interval", *INTERVAL, default="50"),
            echo_mode=section.flag("echo-mode", default=False),
            passive_mode=section.flag("passive-mode", default=False),
            minimum_ttl=section.number("minimum-ttl", 1, 254, default="254"),
        )
        if name is None:
            continue
        if name in profiles:
            message = f"Another profile has this name already: {places[name]}."
            top.reader.refuse(section.at("name"), name, message, "Rename one of the two.")
        top.reader.warn(path, name, "BFD is not spoken in this version.", KEEP_OR_REMOVE)
        profiles.setdefault(name, profile)
        places.setdefault(name, path)
    return tuple(profiles.values())
