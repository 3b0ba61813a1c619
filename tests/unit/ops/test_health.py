"""The HTTP port, asked over real HTTP on the loopback interface."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest

from vipcast.model.errors import HostError
from vipcast.ops.health import BEAT, STUCK, WINDOW, Check, Health, Lag, LoopWatch
from vipcast.ops.metrics import CONTENT_TYPE, ControllerMetrics
from vipcast.ops.samples import ControllerSample
from vipcast.ports import SourceHealth

HERE = "127.0.0.1"


class Late(LoopWatch):
    """A loop that is behind by a given time."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def overdue(self) -> float:
        return self._seconds


@asynccontextmanager
async def serving(
    checks: Mapping[str, Check] | None = None, watch: LoopWatch | None = None
) -> AsyncIterator[str]:
    watch = watch or LoopWatch()
    metrics = ControllerMetrics(
        source=lambda: SourceHealth(alive=True, synced=True),
        lag=watch.worst,
        read=ControllerSample,
    )
    with watch:
        server = Health(port=0, host=HERE, watch=watch, checks=checks or {}, metrics=metrics.take)
        async with server:
            yield f"http://{HERE}:{server.port}"


async def get(url: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, answer.headers["Content-Type"], await answer.text()


PLAIN = "text/plain; charset=utf-8"


async def test_a_program_whose_loop_runs_is_alive() -> None:
    async with serving({"never": lambda: "This is never well."}) as place:
        assert await get(f"{place}/livez") == (200, PLAIN, "ok\n")


async def test_a_program_whose_loop_is_far_behind_is_not_alive() -> None:
    async with serving(watch=Late(STUCK + 1.5)) as place:
        said = (503, PLAIN, "The program's loop is 6.5 s behind.\n")
        assert await get(f"{place}/livez") == said


async def test_readiness_lists_every_check_and_every_sentence_that_fails() -> None:
    checks: dict[str, Check] = {
        "source": lambda: None,
        "config": lambda: "No valid configuration was loaded: see vipcast status.",
        "responder": lambda: "No interface answers.",
    }
    async with serving(checks) as place:
        assert await get(f"{place}/readyz") == (
            503,
            PLAIN,
            (
                "source: ok\n"
                "config: No valid configuration was loaded: see vipcast status.\n"
                "responder: No interface answers.\n"
            ),
        )
        checks["config"] = checks["responder"] = lambda: None
        well = (200, PLAIN, "source: ok\nconfig: ok\nresponder: ok\n")
        assert await get(f"{place}/readyz") == well


async def test_metrics_come_as_prometheus_reads_them() -> None:
    async with serving() as place:
        status, kind, text = await get(f"{place}/metrics")
    assert (status, kind) == (200, CONTENT_TYPE)
    assert "\nmetallb_k8s_client_config_loaded_bool 0.0\n" in text


async def test_anything_else_is_not_found() -> None:
    async with serving() as place:
        assert (await get(f"{place}/status"))[0] == 404


async def test_a_port_that_is_taken_is_an_error_with_a_fix() -> None:
    with socket.create_server((HERE, 0)) as taken:
        port = taken.getsockname()[1]
        watch = LoopWatch()
        metrics = ControllerMetrics(
            source=lambda: SourceHealth(alive=True, synced=True),
            lag=watch.worst,
            read=ControllerSample,
        )
        server = Health(port=port, host=HERE, watch=watch, checks={}, metrics=metrics.take)
        with pytest.raises(HostError) as failure:
            await server.__aenter__()
    assert str(failure.value) == (
        f"Port {port} cannot be listened on (Address already in use): give another with --port, or"
        " end the program that has it."
    )


def test_lag_is_how_late_the_timer_was_at_worst() -> None:
    lag = Lag(100.0)
    lag.beat(100.0 + BEAT)
    assert lag.worst(100.0 + BEAT) == 0.0
    lag.beat(102.0)
    lag.beat(102.5)
    assert lag.worst(102.6) == 1.0


def test_lag_counts_a_timer_that_should_have_fired() -> None:
    lag = Lag(100.0)
    assert lag.overdue(100.0 + BEAT / 2) == 0.0
    assert lag.overdue(107.0) == lag.worst(107.0) == 7.0 - BEAT


def test_lag_is_forgotten_after_two_windows() -> None:
    lag = Lag(100.0)
    lag.beat(102.5)
    now = 102.5
    shown = []
    for _ in range(round(2 * WINDOW / BEAT) + 4):
        now += BEAT
        lag.beat(now)
        shown.append(lag.worst(now))
    assert shown[round(WINDOW / BEAT)] == 2.0
    assert shown[-1] == 0.0


async def test_a_watched_loop_beats_by_itself_until_it_is_left() -> None:
    watch = LoopWatch()
    with watch:
        assert watch.overdue() == 0.0
        assert watch.worst() >= 0.0
