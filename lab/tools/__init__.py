"""Programs that run inside a lab's namespaces: they serve, ask and measure; stdlib alone."""
