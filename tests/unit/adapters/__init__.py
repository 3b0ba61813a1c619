"""Tests of the pure parts of the speaker's adapters."""
