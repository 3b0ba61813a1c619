"""What happens to a node's name and reports: a second speaker of the name, and reports removed."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import measure
from lab.cluster import Lab
from lab.vipcast import Vipcast, pool, service
from lab.waiting import until
from tests.support.labs import unique_name
from tests.support.racks import POOL, SERVICE, Rack


@pytest.fixture(scope="module")
def standing() -> Iterator[Rack]:
    """Three nodes at work, and a fourth without a speaker."""
    with Lab(unique_name(), nodes=4) as lab:
        vipcast = Vipcast(lab)
        vipcast.start(lab.nodes[:3])
        vipcast.apply("pool", pool([POOL]))
        vipcast.apply(SERVICE, service(SERVICE))
        one = Rack(lab, vipcast, vipcast.serve(SERVICE))
        vipcast.await_ready()
        one.holder()
        yield one


def test_a_second_speaker_of_the_holder_s_name_takes_nothing_and_both_are_unready(
    standing: Rack,
) -> None:
    vipcast, holder, other = standing.vipcast, standing.holder(), standing.lab.nodes[3]
    fault = "Another speaker uses this node's name."
    with measure.watch(standing.lab.client, standing.vip) as watch:
        second = vipcast.start_speaker(other, "--node-name", holder.name)
        for node in (holder, other):
            until(
                lambda node=node: fault in vipcast.readiness(node)[1],  # type: ignore[misc]
                f"{node.name} is told of the other",
            )
        vipcast.speaker(holder).stop()
        vipcast.start_speaker(holder)
        until(lambda: fault in vipcast.readiness(holder)[1], "the holder is back, and told")
        second.stop()
    seen = watch.seen[standing.vip]
    assert (seen.lost, seen.two_macs, seen.doubled) == (0, (), ())
    assert standing.names(seen) == [holder.name]
    condition = 'vipcast_layer2_condition{interface="lan0",reason="duplicateNodeName"}'
    assert f"{condition} 1.0" in vipcast.metrics(holder)
    until(lambda: f"{condition} 1.0" not in vipcast.metrics(holder), "the other is forgotten")


def removed(directory: Path) -> bool:
    """Remove a directory with all that is in it; whether nobody has written there meanwhile."""
    try:
        shutil.rmtree(directory)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.ENOENT):
            raise
        return False
    return True


def test_the_status_directory_removed_comes_back_and_the_address_is_the_same(
    standing: Rack,
) -> None:
    vipcast = standing.vipcast
    until(lambda: removed(vipcast.directory / "status"), "the directory is removed")
    names = {node.name for node in standing.lab.nodes[:3]}
    until(
        lambda: all(
            vipcast.status_object(f"speaker-{name}", "SpeakerStatus", "metallb-system", name)
            for name in names
        ),
        "every speaker has reported again",
    )
    assert vipcast.await_address(SERVICE) == standing.vip
    assert standing.holder().name in names
