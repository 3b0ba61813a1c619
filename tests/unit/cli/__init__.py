"""Tests of vipcast.cli."""
