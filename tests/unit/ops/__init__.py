"""Tests of vipcast.ops."""
