"""Who else writes on a Service: when that is a feud, what is done then, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.feuds import FIRST_PAUSE, LONGEST_PAUSE, STANDS, Feuds
from controller.reconcile import Outcome, Status
from tests.unit.controller.deciding import about, assigned, gift
from tests.unit.controller.making import ip, key, service
from vipcast.model.objects import Port, Service
from vipcast.model.raw import EventType
from vipcast.model.reasons import Reason, status_contested

WEB = key("web")
OUTCOME = gift("web", "192.0.2.10", "home")
OURS = Status(("192.0.2.10",), assigned("192.0.2.10", "home"))
MOVED = Status(("192.0.2.11",), assigned("192.0.2.11", "home"))
FOREIGN = service("web", ingress=("10.0.0.1",), status_writer="k3s")
SAYS = status_contested("k3s", ("10.0.0.1",))


def showing(status: Status, of: Service = FOREIGN) -> Service:
    return replace(of, ingress=status.ingress, recorded=status.recorded, status_writer="we")


class Scene:
    """One Service, its two writers and a clock; `at` is in seconds."""

    def __init__(self) -> None:
        self.feuds = Feuds()
        self.at = 1000.0
        self.stands = FOREIGN

    def ours(self, status: Status = OURS, *, comes_back: bool = True) -> None:
        """We write; the other program has not written yet when it comes back."""
        self.feuds.writes(WEB, status, self.at)
        before, self.stands = self.stands, showing(status, self.stands)
        if comes_back:
            self.feuds.seen(before, WEB, self.stands, self.at)

    def theirs(self, left: Service = FOREIGN) -> None:
        """Somebody leaves it like that."""
        before, self.stands = self.stands, left
        self.feuds.seen(before, WEB, left, self.at)

    def round(self) -> None:
        self.ours()
        self.theirs()

    def outcome(self) -> Outcome:
        return self.feuds.restrained(OUTCOME, self.stands, self.at)

    def writes(self) -> bool:
        """Whether something would be written now."""
        return self.outcome().status is not None

    def fought(self) -> bool:
        return WEB in self.feuds.writers


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_after_two_rounds_nothing_is_written_and_it_is_told_once_who_and_what_to_do(
    scene: Scene,
) -> None:
    scene.round()
    assert scene.outcome() == OUTCOME
    assert not scene.fought()
    scene.round()
    assert scene.feuds.writers == {WEB: "k3s"}
    told = f"{SAYS} What Vipcast would write: 192.0.2.10 from pool home."
    quiet = replace(
        OUTCOME,
        reason=Reason.STATUS_CONTESTED,
        message=SAYS,
        status=None,
        events=(about("web", EventType.WARNING, "StatusContested", told),),
    )
    assert scene.outcome() == quiet
    assert scene.outcome() == replace(quiet, events=())
    assert scene.feuds.due(WEB) == scene.at + FIRST_PAUSE


@pytest.mark.parametrize(
    ("writer", "shows", "text"),
    [
        pytest.param(
            "k3s",
            ("10.0.0.1", "10.0.0.2"),
            "k3s puts 10.0.0.1, 10.0.0.2 into the Service's status again whenever Vipcast has"
            " written it, so Vipcast leaves it alone for a while. Start the servers of k3s with"
            " --disable=servicelb.",
            id="k3s",
        ),
        pytest.param(
            "",
            (),
            "Another program empties the Service's status again whenever Vipcast has written it,"
            " so Vipcast leaves it alone for a while. Stop that program, or let it pass over this"
            " Service: create the Service with a spec.loadBalancerClass that only Vipcast serves"
            " (--lb-class).",
            id="nobody knows",
        ),
    ],
)
def test_the_sentence_says_who_it_is_and_how_to_turn_it_off(
    writer: str, shows: tuple[str, ...], text: str
) -> None:
    assert status_contested(writer, shows) == text


def test_the_address_that_somebody_shows_is_not_freed_and_any_other_is(scene: Scene) -> None:
    scene.theirs(replace(FOREIGN, ingress=("192.0.2.12",)))
    for _ in range(2):
        scene.ours()
        scene.theirs(replace(FOREIGN, ingress=("192.0.2.12",)))
    frees = (ip("192.0.2.11"), ip("192.0.2.12"))
    outcome = scene.feuds.restrained(replace(OUTCOME, frees=frees), scene.stands, scene.at)
    assert outcome.frees == (ip("192.0.2.11"),)


def later(seconds: float) -> Callable[[Scene], None]:
    def wait(scene: Scene) -> None:
        scene.at += seconds

    return wait


def user(**fields: object) -> Callable[[Scene], None]:
    def change(scene: Scene) -> None:
        scene.theirs(replace(scene.stands, **fields))  # type: ignore[arg-type]

    return change


def lost(scene: Scene) -> None:
    """Our write and theirs come back as one, which is theirs."""
    scene.ours(comes_back=False)
    scene.theirs()


def late(scene: Scene) -> None:
    """Our write comes back after the next one."""
    first = showing(MOVED)
    scene.ours(MOVED, comes_back=False)
    scene.ours(OURS, comes_back=False)
    scene.theirs(first)
    scene.theirs(showing(OURS))


@pytest.mark.parametrize(
    ("steps", "fought"),
    [
        pytest.param([Scene.round, Scene.round], True, id="two rounds"),
        pytest.param([lost, lost], True, id="two rounds of which we see the end only"),
        pytest.param([Scene.round, later(STANDS - 1), Scene.round], True, id="slow rounds"),
        pytest.param(
            [Scene.ours, later(STANDS), Scene.theirs] * 9, False, id="what stood for a minute"
        ),
        pytest.param(
            [Scene.round, Scene.ours, later(STANDS), Scene.theirs, Scene.round],
            False,
            id="one round, long ago",
        ),
        pytest.param([Scene.round, Scene.theirs, Scene.theirs], False, id="they write twice"),
        pytest.param([Scene.theirs] * 9, False, id="we write nothing"),
        pytest.param([late] * 9, False, id="our own writes come back late"),
        pytest.param([Scene.ours] * 9, False, id="we write again and again"),
        pytest.param(
            [Scene.round, user(ports=(Port("TCP", 1),)), Scene.round], False, id="a user's change"
        ),
        pytest.param(
            [Scene.round, user(uid="2"), Scene.round], False, id="another Service of that name"
        ),
        pytest.param(
            [Scene.round, Scene.round, user(labels={"a": "b"})], False, id="a change ends it"
        ),
        pytest.param(
            [Scene.round, Scene.round, user(ingress=OURS.ingress, recorded=OURS.recorded)],
            False,
            id="they give in",
        ),
        pytest.param(
            [Scene.round, Scene.round, user(ingress=("10.0.0.9",))], True, id="they go on"
        ),
    ],
)
def test_a_feud_is_two_writes_undone_soon_while_the_user_changes_nothing(
    scene: Scene, steps: list[Callable[[Scene], None]], *, fought: bool
) -> None:
    for step in steps:
        step(scene)
    assert scene.fought() is fought
    assert scene.writes() is not fought


def test_a_service_that_is_gone_ends_it(scene: Scene) -> None:
    scene.round()
    scene.round()
    scene.feuds.seen(FOREIGN, WEB, None, scene.at)
    assert not scene.fought()
    assert scene.feuds.due(WEB) is None


def test_one_write_is_tried_after_each_pause_and_the_pauses_grow(scene: Scene) -> None:
    scene.round()
    scene.round()
    pauses = []
    for _ in range(6):
        due = scene.feuds.due(WEB)
        assert due is not None
        pauses.append(due - scene.at)
        scene.at = due - 1
        assert not scene.writes()
        scene.at = due
        assert scene.writes()
        scene.ours()
        assert scene.fought()
        scene.at += 1
        scene.theirs()
        assert [note.reason for note in scene.outcome().events] == ["StatusContested"]
        assert scene.outcome().events == ()
    assert pauses == [FIRST_PAUSE, 600.0, 1200.0, 2400.0, LONGEST_PAUSE, LONGEST_PAUSE]


def test_a_try_that_stands_for_a_minute_ends_it(scene: Scene) -> None:
    scene.round()
    scene.round()
    scene.at += FIRST_PAUSE
    scene.ours()
    assert scene.feuds.due(WEB) == scene.at + STANDS
    scene.at += STANDS - 1
    scene.outcome()
    assert scene.fought()
    scene.at += 1
    scene.outcome()
    assert not scene.fought()
    scene.round()
    assert scene.writes()


def test_an_answer_that_stands_already_is_given_in_a_feud_too(scene: Scene) -> None:
    scene.round()
    scene.round()
    nothing = replace(OUTCOME, status=None, events=())
    assert scene.feuds.restrained(nothing, scene.stands, scene.at) == nothing


def test_writes_that_never_come_back_are_not_remembered_for_ever(scene: Scene) -> None:
    for number in range(100):
        scene.feuds.writes(WEB, Status((f"192.0.2.{number}",)), scene.at)
    assert scene.feuds.awaits(WEB)
    scene.theirs(showing(Status(("192.0.2.99",))))
    assert not scene.feuds.awaits(WEB)
    assert not scene.fought()
