"""What the kernel says about a connection, in words that tell where to look."""

from __future__ import annotations

import errno
from typing import Final

from speaker.ports import Target
from vipcast.model.errors import LinkError

_CONNECTING: Final = {
    errno.ECONNREFUSED: "{peer} refuses the connection.",
    errno.ECONNRESET: "{peer} takes the connection and ends it at once.",
    errno.ETIMEDOUT: "{peer} does not answer.",
    errno.EHOSTUNREACH: "{peer} cannot be reached: no host on the way answers for it.",
    errno.ENETUNREACH: "{peer} cannot be reached: this node has no route to it.",
    errno.EADDRNOTAVAIL: "{peer} cannot be connected to: {source} is not available on this node.",
}
_REFUSED: Final = (
    "Does BGP run there, and on that port? Some routers refuse whoever is not their neighbour,"
    " too: is this node one of them?"
)
_CONNECTED: Final = {
    errno.ECONNRESET: "{peer} has reset the connection.",
    errno.EPIPE: "{peer} has reset the connection.",
    errno.ETIMEDOUT: "{peer} has not taken what was sent to it for {stall:g} s.",
    errno.EHOSTUNREACH: "{peer} cannot be reached any more: no host on the way answers for it.",
    errno.ENETUNREACH: "{peer} cannot be reached any more: the route to it is gone.",
}


def closed(target: Target) -> LinkError:
    """The peer has ended the connection in good order."""
    return LinkError(f"{_peer(target)} has closed the connection.")


def failed(error: OSError, target: Target, *, connected: bool = False) -> LinkError:
    """The kernel's word about a connection that stands, or that is being made."""
    code = error.errno or 0
    sentence = (_CONNECTED if connected else _CONNECTING).get(code, "{peer}: {word}.")
    source = "a local port" if target.source is None else f"the source address {target.source}"
    told = sentence.format(
        peer=_peer(target), source=source, stall=target.stall, word=error.strerror or error
    )
    return LinkError(told, _REFUSED if code == errno.ECONNREFUSED and not connected else "")


def no_interface(target: Target) -> LinkError:
    """A link-local address that does not say where it is, or says it wrongly."""
    name = getattr(target.address, "scope_id", None)
    if name is None:
        return LinkError(
            f"{target.address} is a link-local address: name its interface, as in"
            f" {target.address}%eth0."
        )
    return LinkError(f"{target.address} names an interface that is not on this node: {name}.")


def _peer(target: Target) -> str:
    """Address and port as people write them."""
    if target.address.version == 6:
        return f"[{target.address}]:{target.port}"
    return f"{target.address}:{target.port}"
