"""Tests of vipcast.config."""
