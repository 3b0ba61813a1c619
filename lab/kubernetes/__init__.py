"""A real Kubernetes control plane for the lab: etcd, API server, controllers, and kube-proxy.

    with Lab(control_plane=True) as lab:
        cluster = Cluster(lab, provide(print))
        cluster.start()
        cluster.kubectl("get", "nodes")

`lab.kubernetes.cluster.Cluster` is the way in. `lab.kubernetes.programs.provide` builds what it
runs, which takes minutes at the first time; `python -m lab.kubernetes` does just that.
"""
