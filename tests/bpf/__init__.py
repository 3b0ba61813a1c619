"""Whole packets through the compiled programs by BPF_PROG_TEST_RUN."""
