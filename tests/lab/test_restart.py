"""Planned restarts and busy machines: nothing is lost, nothing moves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import measure
from lab.waiting import until
from tests.support.racks import Rack, rack


@pytest.fixture(scope="module")
def standing() -> Iterator[Rack]:
    with rack() as one:
        yield one


def test_restarting_every_speaker_under_load_loses_no_request_and_moves_nothing(
    standing: Rack,
) -> None:
    holder = standing.holder()
    client = standing.lab.client
    with (
        measure.watch(client, standing.vip) as watch,
        measure.load(client, f"http://{standing.vip}/", rate=1000) as load,
    ):
        for node in standing.lab.nodes:
            standing.vipcast.speaker(node).stop()
            standing.vipcast.start_speaker(node)
            standing.settle()
    seen, loaded = watch.seen[standing.vip], load.loaded

    assert (loaded.lost, loaded.errors) == (0, {})
    assert loaded.sent > 1000
    assert (seen.lost, seen.two_macs, seen.doubled) == (0, (), ())
    assert standing.names(seen) == [holder.name]


def test_restarting_with_the_address_on_lo_of_every_node_brings_no_second_answer(
    standing: Rack,
) -> None:
    holder = standing.holder()
    for node in standing.lab.nodes:
        node.add_to_lo(standing.vip)
    try:
        with measure.watch(standing.lab.client, standing.vip) as watch:
            for node in standing.lab.nodes:
                standing.vipcast.speaker(node).stop()
                standing.vipcast.start_speaker(node)
                standing.settle()
        seen = watch.seen[standing.vip]
        assert (seen.lost, seen.two_macs, seen.doubled) == (0, (), ())
        assert standing.names(seen) == [holder.name]
    finally:
        for node in standing.lab.nodes:
            node.remove_from_lo(standing.vip)


def test_every_question_is_answered_while_all_cores_are_busy(standing: Rack) -> None:
    holder = standing.holder()
    burners = standing.lab.node(1).burn(60.0)
    try:
        asked = measure.ask(standing.lab.client, standing.vip, count=20_000)
        with measure.watch(standing.lab.client, standing.vip, every_ms=2.0) as watch:
            standing.settle()
            measure.ask(standing.lab.client, standing.vip, count=20_000)
        seen = watch.seen[standing.vip]
    finally:
        for burner in burners:
            burner.kill()

    assert (asked.lost, asked.doubled, list(asked.macs)) == (0, 0, [holder.mac])
    assert (seen.lost, seen.two_macs, seen.doubled) == (0, (), ())


def test_a_program_taken_off_the_holder_is_put_back_and_answers_again(standing: Rack) -> None:
    holder = standing.holder()
    holder.run(["ip", "link", "set", "dev", "lan0", "xdpgeneric", "off"])
    taken = until(lambda: standing.vipcast.answering(standing.vip), "somebody answers again")

    assert taken == holder.name
    assert '"event":"reattached"' in standing.vipcast.speaker(holder).output
