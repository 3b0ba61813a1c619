"""From what users wrote to one Config, or to every error at once. Pure: no file is opened here.

yamltext        text → documents → nodes, with lines
nodes           what a scalar means, where nobody else knows its type; raw objects → nodes
schema          reading typed values out of nodes; findings, and each value's origin
ranges durations selectors communities   what one value means
pools advertisements peers bfd           the sections of the old ConfigMap
configmap       the old ConfigMap as a whole
kinds           IPAddressPool and L2Advertisement
special         addresses that no Service can be reached at
overlaps        addresses that no pool may have
inputs          all that a configuration is read from, in either form → Config
places          where a finding's field stands in the text
config          Config, the result
keeper          which Config is in force while new ones come, good or bad
"""

from vipcast.config.config import Config
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
    "Setting",
    "gather",
    "parse",
    "parse_config_map",
    "restored",
]
