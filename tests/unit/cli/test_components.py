"""What controller and speakers say of themselves: how long a sign of life lasts."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.unit.cli.cluster import SINCE
from vipcast.cli.components import hear, listen
from vipcast.kube.render import configuration_state


@pytest.mark.parametrize(
    ("age", "shown"),
    [(-5, ""), (29, ""), (30, "30 s"), (119, "119 s"), (150, "2 min"), (9000, "2 h"), (3e5, "3 d")],
)
def test_thirty_seconds_without_a_heartbeat_are_too_long(age: float, shown: str) -> None:
    state = configuration_state(
        "lb", "", loaded=True, findings=(), problems=(), now=SINCE, heartbeat=SINCE
    )[1]
    now = datetime.fromisoformat(SINCE).timestamp() + age
    problem = listen(hear([state], now), ()).controller.problem
    assert (f"({shown})" in problem) if shown else problem == ""


def test_a_heartbeat_that_is_no_time_is_an_object_not_read() -> None:
    state = configuration_state(
        "lb", "", loaded=True, findings=(), problems=(), now=SINCE, heartbeat="noon"
    )[1]
    (broken,) = listen(hear([state], 0.0), ()).broken
    assert str(broken) == (
        "ConfigurationState lb/controller: status.heartbeat = 'noon': This is no time."
        " Write it as 2026-01-31T12:00:00Z."
    )


def test_a_node_named_controller_does_not_stand_for_the_controller() -> None:
    state = configuration_state(
        "lb", "controller", loaded=True, findings=(), problems=(), now=SINCE
    )[1]
    assert listen(hear([state], 0.0), ()).controller.problem.startswith(
        "The controller has not reported. "
    )
