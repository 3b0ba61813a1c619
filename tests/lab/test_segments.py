"""Two segments: each has a holder and a lease of its own, and status shows them apart."""

from __future__ import annotations

from lab import measure
from lab.cluster import Lab
from lab.vipcast import Vipcast, pool, service
from lab.waiting import until
from tests.support.labs import unique_name


def test_a_cable_pulled_on_one_segment_moves_the_address_there_alone() -> None:
    with Lab(unique_name(), segments=["192.0.2.0/24", "198.51.100.0/24"]) as lab:
        vipcast = Vipcast(lab)
        vipcast.start()
        vipcast.apply("pool", pool(["203.0.113.1-203.0.113.9"]))
        vipcast.apply("web", service("web"))
        lab.write_endpoints(vipcast.directory, "web")
        vip = vipcast.await_address("web")
        first = [vipcast.await_answer(vip, segment=segment) for segment in (0, 1)]
        leader = lab.host(first[0])

        with measure.watch(lab.client, vip, segment=1) as undisturbed:
            lab.switch.pull(leader, segment=0)
            taker = vipcast.await_answer(vip, leader.name, segment=0)

            def shown() -> bool:
                rows = [
                    line.split()
                    for line in vipcast.command("status").stdout.splitlines()
                    if vip in line
                ]
                # A node that hears nobody there is shown as a segment of its own: lan0@NODE.
                holders = {(row[3].partition("@")[0], row[4]) for row in rows} - {("lan0", "-")}
                return holders == {("lan0", taker), ("lan1", first[1])}

            until(shown, "status shows the holder of each segment")
        seen = undisturbed.seen[vip]

        assert first[0] == first[1]
        assert (seen.lost, seen.doubled) == (0, ())
        assert [lab.owner(mac) for mac in seen.macs] == [leader.name]
