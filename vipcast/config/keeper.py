"""Which configuration is in force while new ones come, good or bad.

A bad one never replaces a good one, and neither does none at all, or one that lacks objects as long
as they may be in a file that cannot be read: the last good one stays in force, `stale` is set and
the findings say what is wrong. Controller and speaker keep theirs the same way.

Where nothing but some BGPPeers is wrong, all else is put in force, and each of them stays as it was
(docs/decisions/0037). Only nodes that one of them is for are told.

    keeper = ConfigKeeper(namespace, name)
    state = keeper.feed(inputs)
    if state.changed: decide everything again with state.config
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from vipcast.config.config import Config, PeersRefusedError, RefusedPeer
from vipcast.config.inputs import Inputs, parse
from vipcast.config.partly import Force, rest_of
from vipcast.model.errors import ConfigError, Finding
from vipcast.model.peer import Peer
from vipcast.model.selectors import any_matches


@dataclass(frozen=True, slots=True)
class ConfigState:
    """What is in force, and what is wrong with what the users have written since.

    `loaded`: some configuration is in force. `stale`: it is not what the objects say now.
    `changed`: the last feeding put another one in force.
    """

    config: Config | None = None
    findings: tuple[Finding, ...] = ()
    stale: bool = False
    changed: bool = False

    @property
    def loaded(self) -> bool:
        """Whether any configuration is in force."""
        return self.config is not None

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What is accepted and has no effect in the configuration that is in force."""
        return self.config.warnings if self.config else ()


class ConfigKeeper:
    """Holds the configuration in force. `namespace` and `name` say where it is looked for.

    `node` is the one that the program runs for, "" if it runs for all of them.
    """

    def __init__(self, namespace: str, name: str = "config", node: str = "") -> None:
        self.namespace = namespace
        self.name = name
        self.node = node
        self.state = ConfigState()
        self._seen: Inputs | None = None
        self._good: Inputs | None = None

    @property
    def good(self) -> Inputs | None:
        """The objects of the configuration in force, each as it was when it came to be."""
        return self._good

    def feed(self, inputs: Inputs) -> ConfigState:
        """The objects as they are now, and the cluster around them."""
        if inputs == self._seen:
            self.state = replace(self.state, changed=False)
            return self.state
        self._seen = inputs
        if unseen := self._unseen(inputs):
            self._keep(tuple(map(_hidden, unseen)))
            return self.state
        if inputs.empty and not inputs.elsewhere and self.state.loaded:
            self._keep((self._gone(),))
            return self.state
        try:
            config = parse(inputs)
        except PeersRefusedError as error:
            self._put_rest(inputs, error)
        except ConfigError as error:
            self._keep(error.findings)
        else:
            self._good = inputs
            self.state = ConfigState(config, changed=config != self.state.config)
        return self.state

    def _put_rest(self, inputs: Inputs, error: PeersRefusedError) -> None:
        """Put all but the peers that are refused in force, and these as they were."""
        before = self.state.config
        force = Force(before, self._good) if before is not None and self._good else None
        partly = rest_of(error, inputs, force)
        if partly is None:
            self._keep(error.findings)
            return
        self._good = partly.force.inputs
        findings = self._told(error.refused, partly.kept, inputs)
        config = partly.force.config
        self.state = ConfigState(config, findings, bool(findings), changed=config != before)

    def _told(
        self, refused: tuple[RefusedPeer, ...], kept: tuple[Peer, ...], inputs: Inputs
    ) -> tuple[Finding, ...]:
        """The findings about peers that are for this node, or are kept for it."""
        nodes = {node.name: node.labels for node in inputs.context.nodes}
        if self.node not in nodes:
            return tuple(finding for each in refused for finding in each.findings)
        labels = nodes[self.node]
        mine = {peer.name for peer in kept if any_matches(peer.nodes, labels)}
        mine |= {each.name for each in refused if any_matches(each.nodes, labels)}
        return tuple(finding for each in refused if each.name in mine for finding in each.findings)

    def _keep(self, findings: tuple[Finding, ...]) -> None:
        """What is in force stays, with these findings."""
        self.state = ConfigState(self.state.config, findings, stale=True)

    def _unseen(self, inputs: Inputs) -> tuple[str, ...]:
        """What is in force and not to be seen, but may be among what cannot be read."""
        if self._good is None or not inputs.partial:
            return ()
        here = set(inputs.names())
        return tuple(name for name in self._good.names() if name not in here)

    def _gone(self) -> Finding:
        source = self.state.config.source if self.state.config else ""
        return Finding(
            source,
            "",
            "",
            "The configuration is gone; the last one stays in force.",
            "Put it back. To run without any pool on purpose, write a ConfigMap"
            f" {self.namespace}/{self.name} with 'address-pools: []'.",
        )


def _hidden(name: str) -> Finding:
    return Finding(
        name,
        "",
        "",
        "It is not seen, and some file cannot be read: the last configuration stays in force.",
        "Correct the file; if the object was deleted, that counts from then on.",
    )
