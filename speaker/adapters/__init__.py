"""Doors to the outside, one library or kernel interface each."""

from vipcast.packages import enter

# It imports all of itself, 5 MiB on every node, where two adapters need rtnetlink.
enter("pyroute2")
