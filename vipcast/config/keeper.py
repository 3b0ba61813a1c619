"""Which configuration is in force while new ones come, good or bad.

A bad one never replaces a good one, and neither does none at all, or one that lacks objects as long
as they may be in a file that cannot be read: the last good one stays in force, `stale` is set and
the findings say what is wrong. Controller and speaker keep theirs the same way.

    keeper = ConfigKeeper(namespace, name)
    state = keeper.feed(inputs)
    if state.changed: decide everything again with state.config
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from vipcast.config.config import Config
from vipcast.config.inputs import Inputs, parse
from vipcast.model.errors import ConfigError, Finding


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
    """Holds the configuration in force. `namespace` and `name` say where it is looked for."""

    def __init__(self, namespace: str, name: str = "config") -> None:
        self.namespace = namespace
        self.name = name
        self.state = ConfigState()
        self._seen: Inputs | None = None
        self._good: Inputs | None = None

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
        except ConfigError as error:
            self._keep(error.findings)
        else:
            self._good = inputs
            self.state = ConfigState(config, changed=config != self.state.config)
        return self.state

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
