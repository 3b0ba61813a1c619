"""Tests of vipcast.kube."""
