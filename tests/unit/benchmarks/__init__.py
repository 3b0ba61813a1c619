"""The benchmarks can be relied upon."""
