"""Kinds that have no effect, and those that programs write."""

from __future__ import annotations

from vipcast.kube.unread import UNREAD, instead_of
from vipcast.model.raw import VERSIONS


def test_of_no_kind_that_is_read_is_it_said_that_it_is_not() -> None:
    assert not UNREAD.keys() & VERSIONS.keys()
    assert [kind for kind in VERSIONS if instead_of(kind) is not None] == []
