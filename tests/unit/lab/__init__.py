"""Tests of the pure parts of lab/."""
