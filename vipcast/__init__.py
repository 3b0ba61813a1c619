"""What both programs share: the words (model, config) and the plumbing (kube, files, ops, cli)."""
