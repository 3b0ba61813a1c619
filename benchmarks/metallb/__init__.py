"""MetalLB as a contender: its own programs, built from source, on a cluster of the lab.

programs.py builds them once into the cache; installed.py runs them as MetalLB's manifests would,
in native mode, but for the webhooks, which only check what people write.
"""
