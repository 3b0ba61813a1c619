"""Suites of a port that every adapter of it passes."""
