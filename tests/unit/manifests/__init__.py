"""The manifests as text: no API server."""
