"""The shape of Kubernetes objects: raw dictionaries parsed, rendered and kept in an indexed store."""
