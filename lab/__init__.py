"""A bare-metal cluster in network namespaces, for demo, tests and benchmarks alike.

`from lab.cluster import Lab` is the way in; `python -m lab` is the same on the command line.
This file imports nothing, so that the small programs in lab.tools start fast.
"""
