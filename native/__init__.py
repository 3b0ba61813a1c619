"""C for user space through cffi: one thin module per kernel interface."""
