"""Parts of large libraries without the rest: what a package imports of itself costs every node.

    enter("pyroute2")
    from pyroute2.iproute.linux import IPRoute

A package that was entered holds nothing but its modules, each of which is loaded when it is first
imported; code of its own, which would import all of them, is not run. That lasts as long as the
process, so only modules are to be imported from it afterwards.

    with instead_of("pydantic", BaseModel=object): ...

What is imported in the block finds these few names in place of a library that it hardly uses.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from vipcast.model.errors import HostError


def enter(*names: str) -> None:
    """Enter packages, outer ones first, unless they are there already.

    Raises HostError if one is not installed.
    """
    for name in names:
        if name not in sys.modules:
            spec = importlib.util.find_spec(name)
            if spec is None:
                package = name.partition(".")[0]
                raise HostError(f"The Python package {package} is missing; install Vipcast anew.")
            sys.modules[name] = importlib.util.module_from_spec(spec)


@contextmanager
def instead_of(name: str, **values: object) -> Iterator[None]:
    """Have a package stood in for by these values, unless it is there already."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = module = ModuleType(name)
    vars(module).update(values)
    try:
        yield
    finally:
        del sys.modules[name]
