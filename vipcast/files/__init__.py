"""The embedded default: a directory of Kubernetes YAML objects in place of an API server."""
