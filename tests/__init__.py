"""Tests by kind: unit, contract, bpf (whole packets through the kernel), lab (namespaces)."""
