"""Pure configuration: from ConfigMap text to one Config, or to every error at once."""
