"""What the speaker says: log lines at once, status objects and Events when they can be written."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from speaker import reporter
from speaker.bgp.routes import Rules
from speaker.leadership import Candidate, Changed, Condition, core
from speaker.own import KINDS as OWN
from speaker.plan import Claim, Unannounced
from speaker.reporter import AT_ONCE, COALESCE, ENDED, EVENT_BACKLOG, RETRY, Reporter
from speaker.reports import Picture
from tests.support.logged import logged
from tests.support.memory_source import MemoryCluster, MemorySource
from tests.support.pods import owner, reference
from tests.support.virtual import pass_time, until, virtually
from tests.unit.bgp.making import NODE, SOME, config, service
from tests.unit.speaker.test_reports import seen, vip
from tests.unit.speaker.world import KINDS, OTHER, SYSTEM, VIP, WALL
from vipcast.config.config import Config
from vipcast.config.keeper import ConfigState
from vipcast.kube.render import configuration_state_ref
from vipcast.kube.status import (
    l2_status_ref,
    parse_l2_status,
    render_l2_status,
    speaker_status_ref,
)
from vipcast.model.addresses import Address
from vipcast.model.errors import Finding, SourceError
from vipcast.model.objects import Key
from vipcast.model.pool import Pool
from vipcast.model.raw import Raw, Ref
from vipcast.model.reasons import Reason
from vipcast.model.status import Holding, L2Status
from vipcast.ops.metrics import SpeakerMetrics
from vipcast.ops.samples import SpeakerSample
from vipcast.ports import EventNote, SourceHealth

WEB, DB = Key("default", "web"), Key("default", "db")
CLAIM = Claim(VIP, (WEB,), "lan", {"node1": Candidate(), "node2": Candidate()})
HELD = l2_status_ref(SYSTEM, WEB, "node1")
NONE = Picture(7, 1, (), (), (), {}, (), ())
HOLDING = replace(NONE, seen=(seen(vip(VIP, answering=True)),), claims={VIP: CLAIM})
TOOK = Changed(VIP, "node2", "node1", Reason.HOLDER_LOST, 1.4)
ROUTES = Rules(config(), NODE).decide(service(), SOME)
FINDING = Finding("ConfigMap metallb-system/config", "address-pools[0]", "x", "It is wrong.")


class Counting(MemorySource):
    """A source that keeps a journal of what is asked of it."""

    def __init__(self, cluster: MemoryCluster) -> None:
        super().__init__(cluster, "speaker-node1", KINDS, clock=lambda: WALL)
        self.journal: list[str] = []
        self.refuses: Callable[[Ref], bool] = lambda _: False
        self.meanwhile: list[Callable[[], None]] = []
        """What happens while an Event is recorded."""

    async def put(self, ref: Ref, raw: Raw) -> None:
        self._check(f"put {ref.kind.name}", ref)
        await super().put(ref, raw)

    async def delete(self, ref: Ref) -> None:
        self._check(f"delete {ref.kind.name}", ref)
        await super().delete(ref)

    async def record(self, note: EventNote) -> None:
        self._check(f"record {note.reason}", note.about)
        if self.meanwhile:
            self.meanwhile.pop()()
        await super().record(note)

    def _check(self, words: str, ref: Ref) -> None:
        if self.refuses(ref):
            self.journal.append(f"{words} refused")
            raise SourceError(f"{ref} cannot be written.")
        self.journal.append(words)


class Desk:
    """A reporter, its source, and the picture that it sees."""

    def __init__(self, **options: Any) -> None:
        self.cluster = MemoryCluster()
        self.source = Counting(self.cluster)
        self.metrics = SpeakerMetrics(
            node="node1",
            source=lambda: SourceHealth(alive=True, synced=True),
            lag=lambda: 0.0,
            read=SpeakerSample,
        )
        self.time = WALL
        self.picture = NONE
        self.reporter = Reporter(
            "node1", SYSTEM, self.source, self.metrics, lambda: self.time, "auto", **options
        )

    def told(self, effect: Changed | Condition, claim: Claim | None = CLAIM) -> None:
        """A segment on lan0 says something."""
        self.reporter.told("lan0", effect, claim)

    def show(self, picture: Picture) -> None:
        """The speaker is like this now."""
        self.picture = picture
        self.reporter.touched()

    def holding(self) -> L2Status | None:
        """What stands about Service web."""
        raw = self.cluster.now().get(HELD)
        return None if raw is None else parse_l2_status(raw)

    def metric(self, name: str) -> list[str]:
        """The lines of a metric."""
        lines = self.metrics.take().text().decode().splitlines()
        return [line.removeprefix(name) for line in lines if line.startswith(name)]

    def run(self, story: Callable[[], Any]) -> None:
        """Let a story happen while the reporter writes, in virtual time."""

        async def main() -> None:
            writing = asyncio.create_task(self.reporter.run(lambda: self.picture))
            try:
                await story()
                assert not writing.done(), writing
            finally:
                writing.cancel()
                await asyncio.wait((writing,))

        virtually(main())


@pytest.fixture
def desk(caplog: pytest.LogCaptureFixture) -> Desk:
    """A reporter; the log is kept down to debug lines."""
    caplog.set_level("DEBUG")
    return Desk()


# At once


def test_taking_an_address_is_logged_as_metallb_does_and_counted(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.told(TOOK)
    assert logged(caplog) == [
        {
            "level": "INFO",
            "msg": "service has IP, announcing",
            "event": "serviceAnnounced",
            "service": "default/web",
            "ip": "192.0.2.240",
            "pool": "lan",
            "protocol": "layer2",
            "interface": "lan0",
            "reason": "holderLost",
            "holder": "node1",
            "before": "node2",
        }
    ]
    assert desk.metric("vipcast_layer2_taken_total") == ['{reason="holderLost"} 1.0']
    assert desk.metric('vipcast_layer2_takeover_seconds_bucket{le="1.5"}') == [" 1.0"]


def test_giving_it_up_is_logged_once_though_the_next_holder_is_told_later(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.told(TOOK)
    desk.told(Changed(VIP, "node1", None, Reason.LEASE_OVER, None))
    desk.told(Changed(VIP, "node1", "node2", Reason.LEASE_OVER, None))
    words = [(line["event"], line["holder"], line["before"]) for line in logged(caplog)]
    assert words == [
        ("serviceAnnounced", "node1", "node2"),
        ("serviceWithdrawn", "", "node1"),
        ("holderChanged", "node2", "node1"),
    ]
    assert [line["level"] for line in logged(caplog)] == ["INFO", "INFO", "DEBUG"]
    assert desk.metric("vipcast_layer2_given_up_total") == ['{reason="leaseOver"} 1.0']


def test_losing_it_to_a_higher_epoch_is_one_withdrawal(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.told(TOOK)
    desk.told(Changed(VIP, "node1", "node2", Reason.HIGHER_EPOCH, None))
    (withdrawn,) = logged(caplog, "serviceWithdrawn")
    assert (withdrawn["msg"], withdrawn["reason"]) == (
        "withdrawing service announcement",
        "higherEpoch",
    )


def test_each_interface_and_each_taking_counts_for_itself(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    lost = Changed(VIP, "node1", None, Reason.LINK_DOWN, None)
    desk.reporter.told("lan0", TOOK, CLAIM)
    desk.reporter.told("lan1", TOOK, CLAIM)
    desk.reporter.told("lan1", lost, CLAIM)
    desk.reporter.told("lan1", Changed(VIP, "node1", "node1", Reason.LINK_DOWN, None), CLAIM)
    desk.reporter.told("lan1", lost, CLAIM)
    desk.reporter.told("lan0", lost, CLAIM)
    assert [(line["event"], line["interface"]) for line in logged(caplog)] == [
        ("serviceAnnounced", "lan0"),
        ("serviceAnnounced", "lan1"),
        ("serviceWithdrawn", "lan1"),
        ("serviceAnnounced", "lan1"),
        ("serviceWithdrawn", "lan1"),
        ("serviceWithdrawn", "lan0"),
    ]


def test_an_address_that_is_shared_is_taken_and_lost_for_every_service(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    both = replace(CLAIM, services=(DB, WEB))
    desk.told(TOOK, both)
    desk.told(replace(TOOK, old="node1", new=None, took=None), both)
    assert [(line["event"], line["service"]) for line in logged(caplog)] == [
        ("serviceAnnounced", "default/db"),
        ("serviceAnnounced", "default/web"),
        ("serviceWithdrawn", "default/db"),
        ("serviceWithdrawn", "default/web"),
    ]


def test_a_service_that_comes_to_an_address_held_here_or_leaves_it_is_told_alone(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    alone: dict[Address, Claim] = {VIP: CLAIM}
    both: dict[Address, Claim] = {VIP: replace(CLAIM, services=(DB, WEB))}
    desk.reporter.shared(alone, both)
    assert logged(caplog) == []
    desk.told(TOOK, CLAIM)
    caplog.clear()

    async def story() -> None:
        desk.reporter.shared(alone, both)
        desk.reporter.shared(both, both)
        desk.reporter.shared(both, alone)
        assert [(e["event"], e["service"], e["reason"]) for e in logged(caplog)] == [
            ("serviceAnnounced", "default/db", "holder"),
            ("serviceWithdrawn", "default/db", "notWanted"),
        ]
        await pass_time(1.0)
        assert [
            raw["message"]
            for ref, raw in desk.cluster.now().items()
            if ref.kind.name == "Event" and raw["involvedObject"]["name"] == "db"
        ] == [
            'announcing from node "node1" with protocol "layer2" on lan0: 192.0.2.240 (holder)',
        ]

    desk.run(story)


def test_what_others_do_is_a_debug_line(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.told(Changed(VIP, "node2", "node3", Reason.HOLDER_LOST, 1.4))
    (line,) = logged(caplog)
    assert (line["event"], line["level"], line["msg"]) == (
        "holderChanged",
        "DEBUG",
        "The holder was not heard any more.",
    )
    assert desk.metric("vipcast_layer2_taken_total") == []


def test_conditions_are_logged_with_their_sentence(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.told(Condition(Reason.LINK_DOWN, begins=True), None)
    assert logged(caplog) == [
        {
            "level": "INFO",
            "msg": "The interface has no carrier.",
            "event": "segmentState",
            "interface": "lan0",
            "reason": "linkDown",
            "begins": True,
        }
    ]


def test_the_end_of_a_condition_has_a_sentence_of_its_own(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.told(Condition(Reason.LINK_DOWN, begins=True), None)
    desk.told(Condition(Reason.LINK_DOWN, begins=False), None)
    assert [(line["msg"], line["reason"], line["begins"]) for line in logged(caplog)] == [
        ("The interface has no carrier.", "linkDown", True),
        ("The interface has its carrier again.", "linkDown", False),
    ]


def test_every_condition_that_a_core_can_tell_has_a_sentence_for_its_end() -> None:
    told = re.findall(r"_conditions\.note\(\s*Reason\.(\w+)", Path(core.__file__).read_text())
    assert {Reason[name] for name in told} == set(ENDED)


def test_a_configuration_is_logged_when_it_changes_and_its_errors_when_they_do(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    config = Config((Pool("lan", ()),), "ConfigMap metallb-system/config")
    good = ConfigState(config, changed=True)
    bad = ConfigState(config, (FINDING,), stale=True)
    for state in (good, replace(good, changed=False), bad, bad, good):
        desk.reporter.configured(state)
    assert [(line.get("event") or line["op"], line["level"]) for line in logged(caplog)] == [
        ("configLoaded", "INFO"),
        ("loadConfig", "ERROR"),
        ("configLoaded", "INFO"),
    ]
    loaded, error, again = logged(caplog)
    assert again == loaded
    assert error["msg"] == "the last good configuration stays"
    assert (loaded["config"], loaded["pools"]) == ("ConfigMap metallb-system/config", ["lan"])
    assert error["error"] == str(FINDING)
    assert desk.metric("metallb_k8s_client_config_stale_bool") == [" 0.0"]
    desk.reporter.configured(bad)
    assert desk.metric("metallb_k8s_client_config_stale_bool") == [" 1.0"]
    assert desk.metric("vipcast_config_findings") == [" 1.0"]


def test_a_bad_first_configuration_is_not_said_to_leave_another_one_in_force(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.reporter.configured(ConfigState(None, (FINDING,), stale=True))
    (error,) = logged(caplog)
    assert (error["op"], error["msg"]) == ("loadConfig", "nothing is announced")


# Written


def test_a_report_of_many_addresses_leaves_others_their_turn(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = [IPv4Address("10.0.0.1") + number for number in range(300)]
    held = [vip(address, answering=True) for address in addresses]
    claims: dict[Address, Claim] = {
        address: replace(CLAIM, address=address, services=(Key("default", f"s{number}"),))
        for number, address in enumerate(addresses)
    }
    turns = [0]

    def counted(namespace: str, status: L2Status) -> tuple[Ref, Raw]:
        if not turns[-1]:
            asyncio.get_running_loop().call_soon(turns.append, 0)
        turns[-1] += 1
        return render_l2_status(namespace, status)

    async def story() -> None:
        desk.show(replace(NONE, seen=(seen(*held),), claims=claims))
        await until(
            lambda: desk.source.journal.count("put ServiceL2Status") == len(held), "all is written"
        )
        assert max(turns) == AT_ONCE
        assert sum(turns) == len(held)

    monkeypatch.setattr(reporter, "render_l2_status", counted)
    desk.run(story)


def test_all_that_is_written_goes_with_the_pod() -> None:
    desk = Desk(owner=owner())

    async def story() -> None:
        desk.show(replace(HOLDING, routes={WEB: ROUTES}))
        await until(desk.holding, "what it holds is written")
        written = {
            ref.kind.name: raw["metadata"]["ownerReferences"]
            for ref, raw in desk.cluster.now().items()
            if ref.kind in OWN
        }
        assert written == {kind.name: [reference(owner())] for kind in OWN}

    desk.run(story)


def test_what_is_held_is_written_once_and_deleted_when_it_is_released(desk: Desk) -> None:
    async def story() -> None:
        desk.show(HOLDING)
        await until(desk.holding, "the status is written")
        place = Holding(
            "lan0", "192.0.2.240", 3, "holder", "2024-05-01T00:00:00Z", "02:00:c0:00:02:01"
        )
        assert desk.holding() == L2Status("node1", WEB, (place,))
        assert sorted(desk.source.journal) == [
            "put ConfigurationState",
            "put ServiceL2Status",
            "put SpeakerStatus",
        ]
        desk.source.journal.clear()
        desk.time += 3600
        desk.show(HOLDING)
        await pass_time(5.0)
        assert desk.source.journal == []
        desk.show(NONE)
        await until(lambda: desk.holding() is None, "the status is deleted")
        assert "delete ServiceL2Status" in desk.source.journal
        desk.show(NONE)
        await pass_time(5.0)
        assert desk.source.journal.count("delete ServiceL2Status") == 1

    desk.run(story)


def test_since_is_when_a_holding_began_and_the_next_one_has_its_own(desk: Desk) -> None:
    def since() -> list[str]:
        held = desk.holding()
        return [one.since for one in held.holdings] if held else []

    async def story() -> None:
        desk.show(HOLDING)
        await until(since, "the status is written")
        desk.time += 60
        other = seen(vip(VIP, answering=True), ifindex=3, name="lan1")
        desk.show(replace(HOLDING, seen=(*HOLDING.seen, other)))
        await until(lambda: len(since()) == 2, "both are written")
        assert since() == ["2024-05-01T00:00:00Z", "2024-05-01T00:01:00Z"]
        desk.time += 60
        desk.show(replace(HOLDING, seen=(seen(vip(VIP, answering=True, counter=8)),)))
        await until(lambda: since() == ["2024-05-01T00:02:00Z"], "the next claim has its own time")
        desk.show(NONE)
        await until(lambda: desk.holding() is None, "it is released")
        desk.time += 60
        desk.show(replace(HOLDING, seen=(seen(vip(VIP, answering=True, counter=8)),)))
        await until(since, "it is held again")
        assert since() == ["2024-05-01T00:03:00Z"]

    desk.run(story)


def test_a_sign_of_life_is_written_every_ten_seconds_and_nothing_else() -> None:
    desk = Desk(heartbeat=True, flags={"lbClass": ["ours"]})

    def state() -> Raw:
        found = desk.cluster.now()[configuration_state_ref(SYSTEM, "node1")]["status"]
        return dict(found)

    async def story() -> None:
        await pass_time(15.0)
        assert desk.source.journal == []  # nothing is known yet
        desk.show(NONE)
        await pass_time(1.0)
        assert (state()["heartbeat"], state()["flags"]) == (
            "2024-05-01T00:00:00Z",
            {"lbClass": ["ours"]},
        )
        desk.source.journal.clear()
        desk.time += 5
        desk.show(HOLDING)
        await pass_time(1.0)
        assert state()["heartbeat"] == "2024-05-01T00:00:00Z"
        assert "put ConfigurationState" not in desk.source.journal
        desk.source.journal.clear()
        desk.time += 5
        await pass_time(9.0)
        assert state()["heartbeat"] == "2024-05-01T00:00:10Z"
        assert desk.source.journal == ["put ConfigurationState"]
        for _ in range(2):
            desk.time += 10
            await pass_time(10.0)
        assert desk.source.journal == ["put ConfigurationState"] * 3

    desk.run(story)


def test_changes_are_gathered_for_a_moment(desk: Desk) -> None:
    async def story() -> None:
        desk.show(HOLDING)
        await pass_time(COALESCE / 2)
        desk.show(NONE)
        await pass_time(COALESCE)
        assert "put ServiceL2Status" not in desk.source.journal
        assert "put SpeakerStatus" in desk.source.journal

    desk.run(story)


def test_reports_of_a_speaker_before_are_kept_up_or_deleted(desk: Desk) -> None:
    async def story() -> None:
        desk.show(HOLDING)
        await until(desk.holding, "the status is written")
        standing = list(desk.cluster.now().items())
        later = Desk()
        later.cluster, later.time = desk.cluster, desk.time + 3600
        later.source._cluster = desk.cluster
        later.reporter.found(standing)
        writing = asyncio.create_task(later.reporter.run(lambda: NONE))
        await until(lambda: desk.holding() is None, "what is not held any more is deleted")
        await pass_time(1.0)
        assert sorted(later.source.journal) == ["delete ServiceL2Status", "put SpeakerStatus"]
        writing.cancel()
        await asyncio.wait((writing,))

    desk.run(story)


def test_taking_makes_an_event_and_adopting_none(desk: Desk) -> None:
    async def story() -> None:
        desk.told(Changed(VIP, None, "node1", Reason.ADOPTED, None))
        desk.told(TOOK)
        desk.told(Changed(OTHER, None, "node1", Reason.FIRST_CLAIM, None), None)
        desk.told(Changed(VIP, "node1", None, Reason.LEASE_OVER, None))
        desk.told(Changed(VIP, None, "node1", Reason.FIRST_CLAIM, None))
        await pass_time(1.0)
        assert desk.source.journal.count("record nodeAssigned") == 2
        found = [raw for ref, raw in desk.cluster.now().items() if ref.kind.name == "Event"]
        assert [(raw["reason"], raw["type"], raw["message"]) for raw in found] == [
            (
                "nodeAssigned",
                "Normal",
                'announcing from node "node1" with protocol "layer2" on lan0: 192.0.2.240 ' + why,
            )
            for why in ("(holderLost, before: node2)", "(firstClaim)")
        ]

    desk.run(story)


def test_what_was_refused_is_written_later_and_stops_nothing_else(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        desk.source.refuses = lambda ref: ref == HELD
        desk.show(HOLDING)
        desk.told(TOOK)
        await pass_time(COALESCE + 0.01)
        assert speaker_status_ref(SYSTEM, "node1") in desk.cluster.now()
        assert desk.source.journal[-1] == "record nodeAssigned"
        assert desk.holding() is None
        (line,) = logged(caplog, "writeStatus")
        assert line["error"] == f"{HELD} cannot be written."
        await pass_time(3 * RETRY)
        assert desk.source.journal.count("put SpeakerStatus") == 1
        assert desk.metric("metallb_k8s_client_update_errors_total") == [" 3.0"]
        desk.source.refuses = lambda _: False
        await until(desk.holding, "it is written at last")
        assert desk.source.journal.count("record nodeAssigned") == 1

    desk.run(story)


def test_a_deletion_that_was_refused_is_tried_again(desk: Desk) -> None:
    async def story() -> None:
        desk.show(HOLDING)
        await until(desk.holding, "the status is written")
        desk.source.refuses = lambda ref: ref == HELD
        desk.show(NONE)
        await pass_time(1.5)
        assert desk.source.journal.count("delete ServiceL2Status refused") == 2
        desk.source.refuses = lambda _: False
        await until(lambda: desk.holding() is None, "it is deleted at last")

    desk.run(story)


def test_events_wait_for_a_source_the_newest_of_too_many(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("ERROR")

    async def story() -> None:
        desk.source.refuses = lambda ref: ref.kind.name == "Service"
        for number in range(EVENT_BACKLOG + 2):
            claim = replace(CLAIM, services=(Key("default", f"web{number}"),))
            desk.told(TOOK, claim)
        await pass_time(1.0)
        assert desk.source.journal.count("record nodeAssigned") == 0
        (line,) = logged(caplog, "recordEvent")
        assert (line["error"], line["count"]) == (f"more than {EVENT_BACKLOG} were waiting", 2)
        desk.source.refuses = lambda _: False
        await until(
            lambda: desk.source.journal.count("record nodeAssigned") == EVENT_BACKLOG,
            "every Event that was kept is recorded",
        )

    desk.run(story)


def test_events_that_come_while_one_is_recorded_are_recorded_each_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")

    def flood() -> None:
        for number in range(EVENT_BACKLOG):
            desk.told(TOOK, replace(CLAIM, services=(Key("default", f"web{number}"),)))

    async def story() -> None:
        desk.source.meanwhile = [flood]
        desk.told(TOOK)
        await pass_time(1.0)
        assert desk.source.journal.count("record nodeAssigned") == 1 + EVENT_BACKLOG

    desk.run(story)


def test_what_the_speaker_does_not_announce_and_cannot_read_is_in_its_reports(desk: Desk) -> None:
    refusal = Unannounced("192.0.2.241", WEB, Reason.NO_ENDPOINTS, "None.")

    async def story() -> None:
        desk.reporter.configured(ConfigState(None, (FINDING,), stale=True))
        desk.show(replace(NONE, refusals=(refusal,), problems=(FINDING,)))
        await pass_time(1.0)
        status = desk.cluster.now()[speaker_status_ref(SYSTEM, "node1")]["status"]
        assert (status["boot"], status["term"], status["xdpMode"], status["started"]) == (
            "0000000000000007",
            1,
            "auto",
            "2024-05-01T00:00:00Z",
        )
        assert [one["reason"] for one in status["unannounced"]] == ["noEndpoints"]
        (state,) = [
            raw for ref, raw in desk.cluster.now().items() if ref.kind.name == "ConfigurationState"
        ]
        assert (state["status"]["result"], state["status"]["errorSummary"]) == (
            "Invalid",
            f"{FINDING}\n{FINDING}",
        )

    desk.run(story)


def test_an_error_that_is_not_the_sources_ends_the_writing(desk: Desk) -> None:
    def broken() -> Picture:
        raise ZeroDivisionError

    async def main() -> None:
        desk.reporter.touched()
        await desk.reporter.run(broken)

    with pytest.raises(ZeroDivisionError):
        virtually(main())
