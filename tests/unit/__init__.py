"""Pure and packaging tests: no namespaces, no traffic."""
