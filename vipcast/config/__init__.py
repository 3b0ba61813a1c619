"""From what users wrote to one Config, or to every error at once. Pure: no file is opened here.

yamltext    text → documents → nodes, with lines
nodes       what a scalar means, where nobody else knows its type
schema      reading typed values out of nodes, gathering findings
pools       the section address-pools
configmap   the old ConfigMap as a whole
config      Config, the result
keeper      which Config is in force while new ones come, good or bad
"""

from vipcast.config.config import Config
from vipcast.config.configmap import parse_config_map
from vipcast.config.keeper import ConfigKeeper, ConfigState

__all__ = ["Config", "ConfigKeeper", "ConfigState", "parse_config_map"]
