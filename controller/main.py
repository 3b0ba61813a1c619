"""vipcast-controller: wiring and nothing else.

One controller per directory of objects, and one per run directory: a lock each. Its end, on
SIGTERM, lets go of nothing: what Services have stands on them, and the next start reads it there.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import random
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from controller.app import App, Outside, Settings
from controller.desk import Desk
from controller.reports import sample
from vipcast.config.inputs import CONFIGURATION
from vipcast.kube.patches import BALANCER
from vipcast.model.errors import HostError
from vipcast.model.raw import (
    CONFIGURATION_STATE,
    NAMESPACE,
    NODE,
    SECRET,
    SERVICE,
)
from vipcast.ops import flags
from vipcast.ops.flags import ControllerOptions
from vipcast.ops.health import Health, LoopWatch
from vipcast.ops.lastgood import LastGood
from vipcast.ops.log import event, failure
from vipcast.ops.log import start as start_log
from vipcast.ops.metrics import ControllerMetrics
from vipcast.ops.pod import own_pod
from vipcast.ops.run import FAILED, run
from vipcast.ops.rundir import lock, port_file
from vipcast.ports import Source
from vipcast.sources import open_source

log = logging.getLogger(__name__)

PROGRAM = "vipcast-controller"
WRITER = "controller"
KINDS = frozenset(
    {
        NAMESPACE,
        NODE,
        SERVICE,
        SECRET,
        CONFIGURATION_STATE,
        *CONFIGURATION,
    }
)
KEY_BYTES = 16


def main() -> int:
    """The program; returns its exit code."""
    options = flags.controller()
    with start_log(options.log_level, options.log_format), ExitStack() as held:
        try:
            _lock(options, held)
        except HostError as error:
            failure(log, "start", "program cannot start", error)
            return FAILED
        return run(lambda stop: control(options, stop), log)


async def control(options: ControllerOptions, stop: asyncio.Event) -> None:
    """Give addresses until `stop` is set."""
    source = open_source(
        options.objects,
        WRITER,
        KINDS,
        namespace=options.namespace,
        config=options.config,
        secret=options.ml_secret_name,
        node="",
        owns={SERVICE: BALANCER},
    )
    desk = Desk(options.lb_class)
    with LoopWatch() as watch:
        metrics = ControllerMetrics(
            source=source.health, lag=watch.worst, read=lambda: sample(desk)
        )
        settings = Settings(
            options.namespace,
            options.config,
            options.ml_secret_name,
            options.service_cidr,
            heartbeat=options.objects.directory is not None,
            owner=own_pod(options.namespace),
        )
        last_good = LastGood(options.run_dir, PROGRAM)
        outside = Outside(time.time, random.random, new_key, last_good.recall, last_good.remember)
        app = App(source, desk, metrics, settings, outside)
        async with Health(
            port=options.port, watch=watch, checks=_checks(app, source), metrics=metrics.take
        ) as health:
            event(log, "listening", "metrics and health", port=health.port)
            with port_file(options.run_dir, PROGRAM, health.port):
                await app.run(stop)


def new_key() -> bytes:
    """A key for the speakers' hellos as MetalLB makes it: 16 random bytes as 22 characters."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).rstrip(b"=")


def _lock(options: ControllerOptions, held: ExitStack) -> None:
    held.enter_context(lock(options.run_dir, PROGRAM))
    directory = options.objects.directory
    if directory is None or not directory.is_dir():
        return  # the source says so in its own words; a lock must not make the directory
    own = directory / "status" / WRITER
    held.enter_context(lock(own, PROGRAM, "--directory"))


def _checks(app: App, source: Source) -> Mapping[str, Callable[[], str | None]]:
    """What /readyz asks."""

    def config() -> str | None:
        if app.keeper.state.loaded:
            return None
        return "No valid configuration was loaded: see `vipcast status`."

    def objects() -> str | None:
        health = source.health()
        return None if health.alive and health.synced else health.message

    return {"config": config, "objects": objects}


if __name__ == "__main__":
    sys.exit(main())
