"""What the value of a flag may be: text to typed value, or ValueError that says what to give.

The message of each ValueError continues the sentence "--flag has the value 'x', which …".
"""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import TypeVar

from vipcast.model.addresses import Network
from vipcast.model.xdp import XdpMode

# RFC 1123 as Kubernetes applies it: labels of up to 63 characters, names of up to 253.
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(rf"{_LABEL.pattern}(\.{_LABEL.pattern})*")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?")

Choice = TypeVar("Choice", bound=StrEnum)


class LogLevel(StrEnum):
    """MetalLB's levels: `all` adds what the libraries say, `none` says nothing."""

    ALL = "all"
    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"
    NONE = "none"


class LogFormat(StrEnum):
    """One JSON object per line, or lines for people."""

    JSON = "json"
    TEXT = "text"


class Output(StrEnum):
    """How `vipcast` prints; TABLE is text for people."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def choice(kind: type[Choice], text: str) -> Choice:
    """One of the values of an enumeration."""
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"is not one of them: use {_alternatives(kind)}") from None


def log_level(text: str) -> LogLevel:
    """One of MetalLB's log levels."""
    return choice(LogLevel, text)


def log_format(text: str) -> LogFormat:
    """`json` or `text`."""
    return choice(LogFormat, text)


def output(text: str) -> Output:
    """`table`, `json` or `yaml`."""
    return choice(Output, text)


def xdp_mode(text: str) -> XdpMode:
    """`auto`, `native` or `generic`; `tc` and `raw` are names without a way to attach so far."""
    if text in ("tc", "raw"):
        known = _alternatives(XdpMode)
        raise ValueError(f"this version cannot attach in yet: use {known}")
    return choice(XdpMode, text)


def port(text: str) -> int:
    """A TCP port; 0 stands for any free one."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise ValueError("is not a port: give a number from 1 to 65535, or 0 for any free port")
    return int(text)


def switch(text: str) -> bool:
    """A flag that is on or off: `true` or `false` where a value is given."""
    if text not in ("true", "false"):
        raise ValueError("is neither on nor off: use true or false")
    return text == "true"


def networks(text: str) -> tuple[Network, ...]:
    """Networks with commas between them, or `none`; bits of the host part are dropped."""
    if text == "none":
        return ()
    try:
        return tuple(_network(part.strip()) for part in text.split(","))
    except ValueError:
        raise ValueError(
            "is no list of networks: give them with commas in between, such as 10.96.0.0/12"
        ) from None


def _network(text: str) -> Network:
    if "/" not in text:
        raise ValueError(text)  # a single address is more likely a slip than a network
    return ip_network(text, strict=False)


def class_names(text: str) -> frozenset[str]:
    """Values of spec.loadBalancerClass with commas between them, or `none`."""
    if text == "none":
        return frozenset()
    names = frozenset(part.strip() for part in text.split(","))
    if not all(map(_is_class, names)):
        raise ValueError(
            "is no list of classes: give them with commas in between, such as example.com/lan"
        )
    return names


def _is_class(text: str) -> bool:
    """A label's name with or without a prefix, as Kubernetes wants loadBalancerClass to be."""
    prefix, slash, name = text.rpartition("/")
    if slash and (len(prefix) > 253 or not _SUBDOMAIN.fullmatch(prefix)):
        return False
    return _LABEL_NAME.fullmatch(name) is not None


def switch_or_auto(text: str) -> bool | None:
    """`true`, `false`, or None for `auto`."""
    if text not in ("true", "false", "auto"):
        raise ValueError("is none of them: use true, false or auto")
    return None if text == "auto" else text == "true"


def directory(text: str) -> Path:
    """A directory, from the root or from where the program is started."""
    return Path(text)


def file_or_none(text: str) -> Path | None:
    """A file or directory, from the root or from here; "none" is none."""
    return None if text == "none" else Path(text)


def absolute_path(text: str) -> Path:
    """A path from the root, which stays the same wherever a program is started."""
    path = Path(text)
    if not path.is_absolute():
        raise ValueError("is a relative path: give it from the root, with a leading /")
    return path


def namespace(text: str) -> str:
    """The name of a Kubernetes namespace."""
    if not _LABEL.fullmatch(text):
        raise ValueError(
            "cannot name a namespace: use up to 63 small letters, digits and -,"
            " with a letter or digit at both ends"
        )
    return text


def object_name(text: str) -> str:
    """The name of a Kubernetes object such as a Node, a ConfigMap or a Secret."""
    if len(text) > 253 or not _SUBDOMAIN.fullmatch(text):
        raise ValueError(
            "cannot name a Kubernetes object: use small letters, digits, - and .,"
            " with a letter or digit at both ends"
        )
    return text


def _alternatives(kind: type[StrEnum]) -> str:
    *others, last = (item.value for item in kind)
    return f"{', '.join(others)} or {last}"
