"""The Pod that this process runs in, as the downward API tells it: by variables, without a call.

    VIPCAST_POD_NAMESPACE  VIPCAST_POD_NAME (MetalLB: METALLB_POD_NAME)  VIPCAST_POD_UID

There are no flags for them: nobody but a kubelet knows them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from vipcast.model.objects import Key
from vipcast.model.raw import POD, Owner, Ref

NAMESPACE: Final = "VIPCAST_POD_NAMESPACE"
NAMES: Final = ("VIPCAST_POD_NAME", "METALLB_POD_NAME")
UID: Final = "VIPCAST_POD_UID"
VARIABLES: Final = (NAMESPACE, *NAMES, UID)


def own_pod(namespace: str, environment: Mapping[str, str] | None = None) -> Owner | None:
    """What may own the objects that this process writes in a namespace: the Pod that it runs in.

    None if it is not told all three, and where the Pod is in another namespace: owners are looked
    for beside the object, and what has none there is deleted at once.
    """
    variables = os.environ if environment is None else environment
    where, uid = variables.get(NAMESPACE), variables.get(UID)
    name = next(filter(None, map(variables.get, NAMES)), None)
    if where != namespace or not (name and uid):
        return None
    return Owner(Ref(POD, Key(namespace, name)), uid)
