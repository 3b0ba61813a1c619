"""docs/parity.md, line by line, against the programs."""
