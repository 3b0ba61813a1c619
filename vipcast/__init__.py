"""What controller and speaker share: the words (model, config) and the plumbing (kube, files, ops, cli)."""
