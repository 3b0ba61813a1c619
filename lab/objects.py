"""Kubernetes objects that stand for the lab: its Nodes, and the EndpointSlices of a Service."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from lab.services import Backend
from lab.topology import Topology

Object = dict[str, Any]


def nodes(topology: Topology) -> list[Object]:
    """A Node for each node: ready, with its address on every segment."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": node.name, "labels": {"kubernetes.io/hostname": node.name}},
            "spec": {"podCIDR": str(pod.network)},
            "status": {
                "addresses": [
                    *({"type": "InternalIP", "address": str(p.address)} for p in node.ports),
                    {"type": "Hostname", "address": node.name},
                ],
                "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            },
        }
        for node, pod in zip(topology.nodes, topology.pods, strict=True)
    ]


def endpoint_slice(
    service: str, namespace: str, port_name: str, backends: Sequence[Backend]
) -> Object:
    """The EndpointSlice of a Service: one ready endpoint for each backend, all on one TCP port."""
    ports = sorted({backend.port for backend in backends})
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service}-lab",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": [backend.address],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "nodeName": backend.node,
            }
            for backend in backends
        ],
        "ports": [{"name": port_name, "port": port, "protocol": "TCP"} for port in ports],
    }


def write(path: Path, documents: Iterable[Object]) -> None:
    """Write objects as one YAML file; a reader sees the old file or the new one, never a part."""
    text = yaml.dump_all(documents, Dumper=yaml.CSafeDumper, sort_keys=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name that begins with a dot and does not end in .yaml is no object file to anybody.
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)
