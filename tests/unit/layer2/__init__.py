"""Pure layer 2."""
