"""vipcast-speaker: wiring and nothing else.

Start: locks of the pins and of the run directory, loader (a process of its own), maps, then the
loop. End, on SIGTERM: the last hello says that the speaker will be back; program, entries and lease
stay. Only `--uninstall` detaches.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from speaker import own
from speaker.adapters import pinlock
from speaker.adapters.attach import XdpAttacher, uninstall
from speaker.adapters.bgp_tcp import TcpConnector
from speaker.adapters.clock import MonotonicClock
from speaker.adapters.greeter import PacketGreeter
from speaker.adapters.links import NetlinkLinks
from speaker.adapters.loader import load_program, make_directory
from speaker.adapters.maps import PinnedResponder
from speaker.adapters.pulse import MulticastPulse
from speaker.app import Doors, Settings, Speaker
from speaker.bgp.settings import Graceful
from speaker.layer2.interfaces import Exclusions
from speaker.reporter import Reporter
from vipcast.config.inputs import CONFIGURATION, restored
from vipcast.config.keeper import ConfigKeeper
from vipcast.kube.render import program_flags
from vipcast.model.errors import HostError
from vipcast.model.raw import (
    ENDPOINT_SLICE,
    NODE,
    SECRET,
    SERVICE,
)
from vipcast.ops import flags
from vipcast.ops.flags import SpeakerOptions, UninstallOptions
from vipcast.ops.health import Health, LoopWatch
from vipcast.ops.lastgood import LastGood
from vipcast.ops.log import event, failure
from vipcast.ops.log import start as start_log
from vipcast.ops.metrics import SpeakerMetrics
from vipcast.ops.pod import own_pod
from vipcast.ops.run import FAILED, OK, run
from vipcast.ops.rundir import lock, port_file, ran_before
from vipcast.ops.samples import SpeakerSample
from vipcast.ports import Source
from vipcast.sources import open_source

log = logging.getLogger(__name__)

PROGRAM = "vipcast-speaker"
KINDS = frozenset({NODE, SERVICE, ENDPOINT_SLICE, SECRET}) | CONFIGURATION | own.KINDS
NICENESS = -10
AUTOGROUP = Path("/proc/self/autogroup")


def main() -> int:
    """The program; returns its exit code."""
    options = flags.speaker()
    with start_log(options.log_level, options.log_format):
        try:
            if isinstance(options, SpeakerOptions):
                make_directory(options.pin_path)
            with pinlock.held(options.pin_path), lock(options.run_dir, PROGRAM):
                if isinstance(options, UninstallOptions):
                    return _uninstall(options)
                return run(lambda stop: speak(options, stop), log)
        except HostError as error:
            failure(log, "start", "program cannot start", error)
            return FAILED


async def speak(options: SpeakerOptions, stop: asyncio.Event, source: Source | None = None) -> None:
    """Answer until `stop` is set; by default the source is the one that the options name."""
    _hurry()
    loaded = await asyncio.to_thread(load_program, options.pin_path)
    event(log, "programLoaded", "the responder is pinned", pin=loaded)
    responder = PinnedResponder(options.pin_path)
    source = source or source_of(options)
    last_good = LastGood(options.run_dir, PROGRAM)
    doors = Doors(
        source=source,
        responder=responder,
        attacher=XdpAttacher(options.pin_path),
        links=NetlinkLinks(),
        greeter=PacketGreeter(),
        pulse=MulticastPulse,
        connector=TcpConnector(),
        clock=MonotonicClock(),
        jitter=random.random,
        remember=last_good.remember,
    )
    settings = Settings(
        node=options.node_name,
        namespace=options.namespace,
        config=options.config,
        secret=options.ml_secret_name,
        xdp_mode=options.xdp_mode,
        exclusions=Exclusions(),
        service_cidrs=options.service_cidr,
        classes=options.lb_class,
        key=flags.secret_key(),
        restart=_restart(options),
    )

    def read() -> SpeakerSample:
        return speaker.sample()

    with LoopWatch() as watch:
        metrics = SpeakerMetrics(
            node=options.node_name,
            source=source.health,
            lag=watch.worst,
            read=read,
        )
        reporter = Reporter(
            options.node_name,
            options.namespace,
            source,
            metrics,
            time.time,
            settings.xdp_mode,
            heartbeat=options.objects.directory is not None,
            flags=program_flags(options.lb_class, options.service_cidr),
            owner=own_pod(options.namespace),
        )
        keeper = ConfigKeeper(options.namespace, options.config, options.node_name)
        if (recalled := last_good.recall()) is not None:
            keeper.feed(restored(recalled, options.namespace, options.config))
        speaker = Speaker(settings, doors, reporter, keeper)
        checks = _checks(speaker, source)
        health = Health(port=options.port, watch=watch, checks=checks, metrics=metrics.take)
        async with health:
            event(log, "listening", "metrics and health", port=health.port)
            with port_file(options.run_dir, PROGRAM, health.port):
                await speaker.run(stop)


def source_of(options: SpeakerOptions) -> Source:
    """The source that options name, to be entered."""
    return open_source(
        options.objects,
        f"speaker-{options.node_name}",
        KINDS,
        namespace=options.namespace,
        config=options.config,
        secret=options.ml_secret_name,
        node=options.node_name,
    )


def _checks(speaker: Speaker, source: Source) -> Mapping[str, Callable[[], str | None]]:
    """What /readyz asks."""

    def responder() -> str | None:
        failed = speaker.interfaces.failed
        if failed:
            return "; ".join(attachment.detail for _, attachment in failed.values())
        if not speaker.segments:
            return "No interface answers: see `vipcast status` for each interface's reason."
        return None

    def config() -> str | None:
        if speaker.intents.keeper.state.loaded:
            return None
        return "No valid configuration was loaded: see `vipcast status`."

    def objects() -> str | None:
        health = source.health()
        return None if health.alive and health.synced else health.message

    def key() -> str | None:
        if speaker.secret_key is not None:
            return None
        return "The key for hellos is missing: Secret memberlist, key secretkey."

    def name() -> str | None:
        return speaker.doubled

    return {"responder": responder, "config": config, "objects": objects, "key": key, "name": name}


def _restart(options: SpeakerOptions) -> Graceful:
    """After a restart kube-proxy has forwarded all the while; after a boot it has not."""
    again = ran_before(options.run_dir, PROGRAM)
    return Graceful(restarting=again, forwarding=again)


def _hurry() -> None:
    """Ask for more processor time: a starved loop loses the lease of what it holds.

    Where sessions share the processors evenly (sched(7), autogroup) niceness counts within a
    session alone, and the session asks, too. In a container neither counts beside other containers:
    their control groups share by what they request.
    """
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    except PermissionError as error:
        event(
            log, "niceness", "runs at the usual priority: allow SYS_NICE", error=error,
            level=logging.WARNING,
        )  # fmt: skip
    if AUTOGROUP.exists():
        try:
            AUTOGROUP.write_text(str(NICENESS))
        except OSError as error:
            event(
                log, "niceness", "its session has the usual share", error=error,
                level=logging.DEBUG,
            )  # fmt: skip


def _uninstall(options: UninstallOptions) -> int:
    done = uninstall(options.pin_path)
    event(
        log, "uninstalled", "the responder is gone from this node",
        interfaces=done.interfaces, pins=done.pins,
    )  # fmt: skip
    for each in done.failures:
        failure(log, "uninstall", "could not be taken away", each)
    return FAILED if done.failures else OK


if __name__ == "__main__":
    sys.exit(main())
