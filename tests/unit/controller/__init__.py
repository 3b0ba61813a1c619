"""Tests of the controller's rooms."""
