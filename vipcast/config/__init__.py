"""From what users wrote to one Config, or to every error at once. Pure: no file is opened here.

yamltext        text → documents → nodes, with lines
nodes           what a scalar means, where nobody else knows its type; raw objects → nodes
schema          reading typed values out of nodes; findings, and each value's origin
ranges durations selectors communities   what one value means
pools advertisements peers bfd           the sections of the old ConfigMap
configmap       the old ConfigMap as a whole
specs kinds bgppeers bgpkinds            the kinds of group metallb.io
objects         these kinds as a whole
sessions        what a BGP peer's values mean, in either form
special         addresses that no Service can be reached at
overlaps        addresses that no pool may have
conflicts       objects of BGP that cannot be together
inputs          all that a configuration is read from, in either form → Config
places          where a finding's field stands in the text
config          Config, the result
partly          all but some BGP peers in force
keeper          which Config is in force while new ones come, good or bad
"""

from vipcast.config.config import Config, PeersRefusedError
from vipcast.config.inputs import Inputs, gather, parse, parse_config_map, restored
from vipcast.config.keeper import ConfigKeeper, ConfigState
from vipcast.config.overlaps import Context
from vipcast.config.schema import Setting

__all__ = [
    "Config",
    "ConfigKeeper",
    "ConfigState",
    "Context",
    "Inputs",
    "PeersRefusedError",
    "Setting",
    "gather",
    "parse",
    "parse_config_map",
    "restored",
]
