"""What manifests/ installs, on an API server that has nothing else."""
