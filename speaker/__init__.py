"""The program on each node that makes addresses reachable."""
