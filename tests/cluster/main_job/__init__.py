"""The main job on real Kubernetes: programs with their own rights, kube-proxy behind the VIP."""
