"""Doors to the outside, one library or kernel interface each."""

import importlib
from types import SimpleNamespace

from vipcast.packages import enter, instead_of

# It imports all of itself, 5 MiB on every node, where two adapters need rtnetlink; and for sockets
# that only pretend, which are made for its own tests, it has another 2 MiB of helpers.
enter("pyroute2")
with (
    instead_of("unittest", mock=SimpleNamespace(Mock=object)),
    instead_of("pyroute2.iproute.ipmock", IPEngine=object),
):
    importlib.import_module("pyroute2.iproute.linux")
