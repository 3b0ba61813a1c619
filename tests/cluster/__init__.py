"""Real Kubernetes in network namespaces: API server, controllers, kube-proxy."""
