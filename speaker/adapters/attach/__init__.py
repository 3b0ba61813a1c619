"""The program on interfaces: attach, replace, adopt, test, take off. Netlink by pyroute2.

    attacher.py   what is done on one interface, and why       XdpAttacher, uninstall
    netlink.py    what netlink says and does about XDP         the only file with pyroute2
    pins.py       which programs are ours
    selftest.py   a program is asked a question

A foreign program is never overwritten: every change names the program that it expects to replace.
"""

from speaker.adapters.attach.attacher import Uninstalled, XdpAttacher, uninstall

__all__ = ["Uninstalled", "XdpAttacher", "uninstall"]
