"""The real kernel path in network namespaces."""
