"""The C of native/ that needs no kernel: whole calls, their bounds, and what a fuzzer makes up."""
