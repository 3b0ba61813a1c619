"""Which configuration is in force while new ones come, good or bad.

A bad one never replaces a good one, and neither does none at all: the last good one stays in force,
`stale` is set and the findings say what is wrong. Controller and speaker keep theirs the same way.

    keeper = ConfigKeeper(namespace, name)
    state = keeper.feed(raw_config_map_or_None)
    if state.changed: decide everything again with state.config
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from vipcast.config.config import Config
from vipcast.config.configmap import DATA_KEY, document_of, parse_config_map
from vipcast.model.errors import ConfigError, Finding


@dataclass(frozen=True, slots=True)
class ConfigState:
    """What is in force, and what is wrong with what the users have written since.

    `loaded`: some configuration is in force. `stale`: it is not what the ConfigMap says now.
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


class ConfigKeeper:
    """Holds the configuration in force. `namespace` and `name` say where it is looked for."""

    def __init__(self, namespace: str, name: str = "config") -> None:
        self.state = ConfigState()
        self._object = f"ConfigMap {namespace}/{name}"
        self._namespace = namespace
        self._seen: object = self

    def feed(self, raw: Mapping[str, Any] | None, elsewhere: tuple[str, ...] = ()) -> ConfigState:
        """The ConfigMap as it is now, or None: there is none.

        `elsewhere` lists other namespaces that have a ConfigMap of that name, for the finding.
        """
        document = None if raw is None else document_of(raw)
        if raw is not None and document is not None and document == self._seen:
            self.state = replace(self.state, changed=False)
            return self.state
        self._seen = document
        if raw is None:
            self._keep((self._missing(elsewhere),))
            return self.state
        try:
            config = parse_config_map(raw)
        except ConfigError as error:
            self._keep(error.findings)
        else:
            self.state = ConfigState(config, changed=config != self.state.config)
        return self.state

    def _keep(self, findings: tuple[Finding, ...]) -> None:
        """What is in force stays, with these findings."""
        self.state = ConfigState(self.state.config, findings, stale=True)

    def _missing(self, elsewhere: tuple[str, ...]) -> Finding:
        if elsewhere:
            found = ", ".join(elsewhere)
            return Finding(
                self._object,
                "metadata.namespace",
                found,
                f"The ConfigMap was found in namespace {found}, looked for in {self._namespace}.",
                f"Move it to {self._namespace}, or start with --namespace {elsewhere[0]}.",
            )
        if self.state.loaded:
            message = "The ConfigMap is gone; the last configuration stays in force."
            return Finding(self._object, "", "", message, "Put it back.")
        return Finding(
            self._object,
            "",
            "",
            "There is no such ConfigMap, so no Service gets an address.",
            f"Create it with the pools under data.{DATA_KEY}.",
        )
