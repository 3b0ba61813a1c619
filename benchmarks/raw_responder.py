"""A responder in user space, as a contender: a packet socket, a loop, and nothing else.

It does what MetalLB's speaker does for each request: wakes, reads the frame, looks the address up,
and sends the answer. It leaves out all that a real one does besides (leases, counters, logs), polls
no clock, and builds the constant half of its answer beforehand, so it is faster than a real one. It
leaves the last core to the asker, which would otherwise keep it from answering there.
Runs in a node's namespace until it is ended: `python -m benchmarks.raw_responder lan0 ADDRESS…`.
"""

from __future__ import annotations

import os
import socket
import sys
from ipaddress import IPv4Address

from lab.tools import ready

_ETH_P_ARP = 0x0806
_REQUEST = b"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01"
"""EtherType, then RFC 826: Ethernet, IPv4, the lengths of their addresses, and the operation."""
_REPLY = _REQUEST[:-1] + b"\x02"


def main(interface: str, *addresses: str) -> None:
    """Answer requests for these addresses."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ARP))
    wire.bind((interface, _ETH_P_ARP))
    mac: bytes = wire.getsockname()[4]
    answers = {
        packed: mac + _REPLY + mac + packed
        for packed in (IPv4Address(address).packed for address in addresses)
    }
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores - {max(cores)} or cores)
    receive, send = wire.recv, wire.send
    ready.tell()
    while True:
        frame = receive(128)
        answer = answers.get(frame[38:42])
        if answer is not None and frame[12:22] == _REQUEST:
            send(frame[6:12] + answer + frame[22:32])


if __name__ == "__main__":
    main(*sys.argv[1:])
