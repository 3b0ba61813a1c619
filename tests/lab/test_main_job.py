"""The main job on the real kernel path, in both XDP modes: one node answers, pods are reached."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import measure
from lab.vipcast import service
from speaker.leadership import rank
from speaker.main import NICENESS
from tests.support.racks import Rack, rack
from tests.support.waiting import eventually
from vipcast.model.addresses import parse_address


@pytest.fixture(scope="module", params=["generic", "native"])
def standing(request: pytest.FixtureRequest) -> Iterator[Rack]:
    with rack(request.param, native=request.param == "native") as one:
        yield one


def test_the_first_address_of_the_pool_is_given(standing: Rack) -> None:
    assert standing.vip == "192.0.2.240"


def test_a_client_sees_one_mac_and_every_question_is_answered(standing: Rack) -> None:
    asked = measure.ask(standing.lab.client, standing.vip, count=2000)

    assert (asked.lost, asked.doubled) == (0, 0)
    assert list(asked.macs) == [standing.holder().mac]


def test_the_best_ranked_node_holds_the_address_at_first(standing: Rack) -> None:
    names = [node.name for node in standing.lab.nodes]

    assert standing.holder().name == rank(names, parse_address(standing.vip))[0]


def test_the_client_s_neighbour_entry_is_the_holder_s_mac(standing: Rack) -> None:
    standing.lab.client.run(["curl", "-sS", "--max-time", "5", f"http://{standing.vip}/"])

    assert standing.lab.client.neighbour(standing.vip) == standing.holder().mac


def test_http_requests_reach_pods_on_every_node(standing: Rack) -> None:
    # kube-proxy draws lots: it takes this many to be sure of each pod.
    urls = "".join(f'url = "http://{standing.vip}/"\n' for _ in range(60))
    path = standing.lab.run.path / "urls"
    path.write_text(urls)
    answers = standing.lab.client.run(
        ["curl", "-sS", "-H", "Connection: close", "--max-time", "10", "-K", path]
    ).stdout

    assert len(Counter(answers.split("\n")[:-1])) == len(standing.lab.nodes)


def test_status_and_explain_name_the_holder_and_its_reason(standing: Rack) -> None:
    holder = standing.holder().name
    table = standing.vipcast.command("status")
    told = standing.vipcast.command("explain", "web")

    assert table.returncode == 0, table.stderr
    row = next(line for line in table.stdout.splitlines() if standing.vip in line)
    assert all(word in row for word in ("default/web", "default", "lan0", holder))
    assert told.returncode == 0, told.stderr
    assert holder in told.stdout
    assert standing.vip in told.stdout


def test_answers_are_counted_where_they_are_given(standing: Rack) -> None:
    holder = standing.holder()
    name = f'metallb_layer2_responses_sent{{ip="{standing.vip}"}}'

    def count() -> float:
        found = re.search(
            rf"^{re.escape(name)} (\S+)$", standing.vipcast.metrics(holder), re.MULTILINE
        )
        return float(found[1]) if found else 0.0

    before = count()
    asked = measure.ask(standing.lab.client, standing.vip, count=100)

    assert count() == before + asked.answered


def test_speakers_ask_for_processor_time_before_others_of_their_session_and_beside_them(
    standing: Rack,
) -> None:
    for node in standing.lab.nodes:
        pid = standing.vipcast.speaker(node).pid
        assert os.getpriority(os.PRIO_PROCESS, pid) == NICENESS
        session = Path(f"/proc/{pid}/autogroup")  # where the kernel has it
        assert not session.exists() or session.read_text().split()[-1] == str(NICENESS)


def test_the_running_speaker_has_neither_bcc_nor_a_compiler_in_memory(standing: Rack) -> None:
    for node in standing.lab.nodes:
        pid = standing.vipcast.speaker(node).pid
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
        # The sixth field is the file: an address may well have "bcc" in its hexadecimal digits.
        files = {line.split(maxsplit=5)[5] for line in lines if len(line.split(maxsplit=5)) == 6}
        assert any("python" in name for name in files)
        assert not [name for name in files if re.search(r"bcc|LLVM|clang", name)]


def test_an_ipv6_service_gets_a_reason_and_no_answer(standing: Rack) -> None:
    standing.vipcast.apply("six", service("six", ipFamilies=["IPv6"], clusterIP="2001:db8::1"))

    def told() -> bool:
        said = standing.vipcast.command("explain", "six")
        assert "IPv6" in said.stdout
        return said.returncode == 1

    assert eventually(told, what="explain says that no pool has IPv6")
    assert standing.vipcast.address("six") is None
    standing.vipcast.delete("six")
