"""Tests of vipcast.files."""
