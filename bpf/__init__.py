"""C for the kernel: sources shipped as package data, compiled by the loader."""
