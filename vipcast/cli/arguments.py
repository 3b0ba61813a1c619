"""The arguments of `vipcast`: one command each, with the flags of vipcast.ops.flags.

    status              addresses, their Services and their holders
    status bgp          the sessions of each node with its routers
    explain SUBJECT     why a Service, an address, a node or the configuration is as it is
    lint FILE...        what is wrong with objects in files, before anybody applies them
    drain NODE          let a node leave, or come back (--undo)

Exit codes stand in each command's --help, and in docs/operations.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vipcast.cli.subject import Subject, Topic, parse_subject
from vipcast.model.addresses import Network
from vipcast.model.classes import Classes
from vipcast.ops.flags import (
    CONFIG,
    DIRECTORY,
    KUBECONFIG,
    LB_CLASS,
    LB_CLASS_DEFAULT,
    NAMESPACE,
    OUTPUT,
    SERVICE_CIDR,
    Given,
    Objects,
    classes_of,
    objects_of,
)
from vipcast.ops.parser import Flag, Parser
from vipcast.ops.values import Output

_OBJECTS: Final = (DIRECTORY, KUBECONFIG)
_CLASSES: Final = (LB_CLASS, LB_CLASS_DEFAULT)
STATUS_FLAGS: Final[tuple[Flag[Any], ...]] = (*_OBJECTS, NAMESPACE, *_CLASSES, OUTPUT)
EXPLAIN_FLAGS: Final[tuple[Flag[Any], ...]] = (
    *_OBJECTS, NAMESPACE, CONFIG, SERVICE_CIDR, *_CLASSES, OUTPUT,
)  # fmt: skip
LINT_FLAGS: Final[tuple[Flag[Any], ...]] = (NAMESPACE, CONFIG, SERVICE_CIDR, OUTPUT)
DRAIN_FLAGS: Final[tuple[Flag[Any], ...]] = _OBJECTS

BGP: Final = "bgp"
_STATUS_CODES: Final = """exit codes:
  0  every address is answered for, or told to a router, and nothing else is
     wrong; with bgp: every session is established
  1  something lacks; the output says what
  2  wrong arguments, or the objects cannot be read"""
_EXPLAIN_CODES: Final = """SUBJECT is one of
  192.0.2.10            an address: which Service has it, who answers for it
  NAME, NAMESPACE/NAME  a Service: why it has, or lacks, an address
  NAME                  a node, where no Service has that name
  service/..., node/... the one of the two that is meant (svc/... is short)
  config                the configuration: every value, where it is from

exit codes:
  0  it is as wanted: every address of it is answered for, nothing is wrong
  1  something lacks; the output says what
  2  wrong arguments, several Services of that name, or it cannot be read
  3  there is no such Service, address, node or configuration"""
_LINT_CODES: Final = """FILE is a file, a directory (its *.yaml, *.yml and *.json), or - for stdin.
No controller needs to run. If Nodes are among the objects, pools are compared
with their addresses and pods.

exit codes:
  0  nothing is wrong
  1  something is; each finding says what to do
  2  wrong arguments, or a file cannot be opened"""

_DRAIN_CODES: Final = """NODE is NAME or node/NAME. Routers are asked to use other paths, then the
node withdraws its routes; on segments another node answers at once. On a
cluster this writes an annotation on the Node, which takes the right to patch
Nodes. In a directory it says which line to write into which file.

exit codes:
  0  it is so
  1  in a directory: the line has to be written first
  2  wrong arguments, or it cannot be read or written
  3  there is no such node"""


@dataclass(frozen=True, slots=True)
class StatusOptions:
    """`vipcast status`; with `bgp` the sessions and nothing else."""

    objects: Objects
    namespace: str
    classes: Classes
    output: Output
    bgp: bool = False


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """`vipcast explain SUBJECT`."""

    objects: Objects
    namespace: str
    config: str
    service_cidr: tuple[Network, ...]
    classes: Classes
    subject: Subject
    output: Output


@dataclass(frozen=True, slots=True)
class LintOptions:
    """`vipcast lint FILE...`; the file `-` is stdin."""

    files: tuple[Path, ...]
    namespace: str
    config: str
    service_cidr: tuple[Network, ...]
    output: Output


@dataclass(frozen=True, slots=True)
class DrainOptions:
    """`vipcast drain NODE`; with `undo` the node is to come back."""

    objects: Objects
    node: str
    undo: bool


Options = StatusOptions | ExplainOptions | LintOptions | DrainOptions


def command_line(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None
) -> Options:
    """Read the arguments of `vipcast` (of this process, unless given). May raise SystemExit."""
    parser = Parser("vipcast", "Shows which node answers for which address, and why.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    summary = "addresses, their Services and their holders"
    status = _command(commands, "status", summary, _STATUS_CODES, STATUS_FLAGS)
    what = "the sessions with routers, and nothing else"
    status.add_argument("part", metavar=BGP, nargs="?", choices=("", BGP), default="", help=what)
    summary = "why a Service, an address, a node or the configuration is as it is"
    explain = _command(commands, "explain", summary, _EXPLAIN_CODES, EXPLAIN_FLAGS)
    explain.add_argument("subject", metavar="SUBJECT", help="what to explain, see below")
    summary = "what is wrong with objects in files, before they are applied"
    lint = _command(commands, "lint", summary, _LINT_CODES, LINT_FLAGS)
    lint.add_argument(
        "files", metavar="FILE", nargs="+", type=Path, help="what to look at, see below"
    )
    summary = "let a node leave: routers use other paths, then it tells none"
    drain = _command(commands, "drain", summary, _DRAIN_CODES, DRAIN_FLAGS)
    drain.add_argument("node", metavar="NODE", help="which node, see below")
    drain.add_argument("--undo", action="store_true", help="let it come back")
    found = vars(parser.parse_args(arguments))
    if found["command"] == "status":
        given = _given(status, found, environment, STATUS_FLAGS)
        return StatusOptions(
            objects_of(given),
            given[NAMESPACE],
            classes_of(given),
            given[OUTPUT],
            bgp=found["part"] == BGP,
        )
    if found["command"] == "lint":
        given = _given(lint, found, environment, LINT_FLAGS)
        return LintOptions(
            files=tuple(found["files"]),
            namespace=given[NAMESPACE],
            config=given[CONFIG],
            service_cidr=given[SERVICE_CIDR],
            output=given[OUTPUT],
        )
    if found["command"] == "drain":
        given = _given(drain, found, environment, DRAIN_FLAGS)
        return DrainOptions(objects_of(given), _node(drain, found["node"]), found["undo"])
    given = _given(explain, found, environment, EXPLAIN_FLAGS)
    try:
        subject = parse_subject(found["subject"])
    except ValueError as error:
        explain.error(f"SUBJECT has the value {found['subject']!r}, which {error}.")
    return ExplainOptions(
        objects=objects_of(given),
        namespace=given[NAMESPACE],
        config=given[CONFIG],
        service_cidr=given[SERVICE_CIDR],
        classes=classes_of(given),
        subject=subject,
        output=given[OUTPUT],
    )


def _node(parser: Parser, word: str) -> str:
    """The name of a node."""
    try:
        subject = parse_subject(word if "/" in word else f"node/{word}")
    except ValueError:
        subject = None
    if subject is None or subject.topic is not Topic.NODE:
        parser.error(
            f"NODE has the value {word!r}, which is no name of a node: give NAME or node/NAME."
        )
    return subject.name


def _command(
    commands: Any, name: str, summary: str, epilog: str, flags: Sequence[Flag[Any]]
) -> Parser:
    command: Parser = commands.add_parser(
        name,
        help=summary,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add(flags)
    return command


def _given(
    parser: Parser,
    found: Mapping[str, Any],
    environment: Mapping[str, str] | None,
    flags: Sequence[Flag[Any]],
) -> Given:
    given = Given(parser, found, environment, at_home=True)
    given.check(flags)
    return given
