"""Users' own configurations, unchanged, each in a segment with its own addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import measure
from lab.cluster import Lab
from lab.services import ServiceRule
from lab.vipcast import Vipcast, service
from lab.waiting import until
from tests.support.labs import unique_name

INPUTS = Path(__file__).parent.parent / "inputs"


@contextmanager
def installed(segment: str, *names: str) -> Iterator[tuple[Lab, Vipcast]]:
    """Vipcast on a lab in that segment, with these inputs copied into its directory."""
    with Lab(unique_name(), segments=[segment]) as lab:
        vipcast = Vipcast(lab)
        vipcast.directory.mkdir()
        for name in names:
            (vipcast.directory / name).write_bytes((INPUTS / name).read_bytes())
        vipcast.start()
        yield lab, vipcast


def test_l2_range_serves_nginx_and_moves_it_when_its_node_stops() -> None:
    with installed("10.200.200.0/24", "l2-range.yaml", "memberlist-secret.yaml") as (lab, vipcast):
        lab.write_endpoints(vipcast.directory, "nginx")
        vip = vipcast.await_address("nginx")
        lab.program_services([ServiceRule(vip, 8080, lab.backends())])
        leader = lab.host(vipcast.await_answer(vip))
        answer = lab.client.run(["curl", "-sS", "--max-time", "10", f"http://{vip}:8080/"]).stdout

        assert vip == "10.200.200.120"
        assert "pod" in answer
        assert lab.client.neighbour(vip) == leader.mac

        vipcast.speaker(leader).kill()
        taker = lab.host(vipcast.await_answer(vip, leader.name))
        until(lambda: lab.client.neighbour(vip) == taker.mac, "the neighbour entry follows")


def test_l2_mask_offers_all_sixteen_addresses_of_the_network_and_all_answer() -> None:
    names = [f"web{number:02}" for number in range(17)]
    with installed("192.168.0.0/18", "l2-mask.yaml") as (lab, vipcast):
        vipcast.apply("services", *(service(name) for name in names))
        for name in names:
            lab.write_endpoints(vipcast.directory, name)

        def given() -> set[str]:
            return {address for name in names if (address := vipcast.address(name)) is not None}

        wanted = {f"192.168.31.{last}" for last in range(240, 256)}
        until(lambda: given() == wanted, "sixteen Services have the sixteen addresses")
        for vip in sorted(wanted):
            vipcast.await_answer(vip)
        without = [name for name in names if vipcast.address(name) is None]
        told = vipcast.command("explain", *without)

        assert len(without) == 1
        assert told.returncode == 1
        assert "default" in told.stdout


def test_l2_home_serves_from_the_first_of_its_range() -> None:
    with installed("192.168.1.0/24", "l2-home.yaml") as (lab, vipcast):
        vipcast.apply("web", service("web"))
        lab.write_endpoints(vipcast.directory, "web")
        vip = vipcast.await_address("web")
        vipcast.await_answer(vip)
        asked = measure.ask(lab.client, vip, count=500)

        assert vip == "192.168.1.30"
        assert (asked.lost, asked.doubled, len(asked.macs)) == (0, 0, 1)


def test_all_speakers_of_a_users_secret_hear_each_other() -> None:
    with installed("10.200.200.0/24", "memberlist-secret.yaml") as (lab, vipcast):
        names = {node.name for node in lab.nodes}
        for node in lab.nodes:
            until(
                lambda node=node: vipcast.heard_by(node) == names - {node.name},  # type: ignore[misc]
                f"{node.name} hears the others",
            )
