"""The door to the operator: flags, logs, metrics, health and the life of a process."""
