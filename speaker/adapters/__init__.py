"""Doors to the outside, one library or kernel interface each."""
