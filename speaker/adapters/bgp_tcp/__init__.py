"""BGP's TCP connections: always the side that connects, nothing listens.

    connector.py   from a target to a connection, or to the words why not     TcpConnector
    sockets.py     a socket with all of its options
    md5.py         signed segments (TCP-MD5)
    footing.py     addresses and interface of a connection, by netlink
    link.py        one connection: reading in slices, writing, the two ways to end
    pacemaker.py   the thread that writes KEEPALIVEs while the event loop is held up
    failures.py    what the kernel says, in words

What the bytes mean is known to speaker.bgp alone.
"""

from speaker.adapters.bgp_tcp.connector import TcpConnector

__all__ = ["TcpConnector"]
