"""Tests of vipcast.model."""
