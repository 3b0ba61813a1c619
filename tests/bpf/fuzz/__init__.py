"""The XDP program on the host, under sanitizers, with frames and maps that libFuzzer thinks up.

    target.c      an input is taken apart, the program runs, and what it did is compared
    host.[ch]     stands for the kernel: the clock, the maps, the memory of a frame
    expected.c    what should have become of the frame, said independently of the program
    bpf/          stands for libbpf's header, so that the program's text is compiled as it is
    seeds.py      whole packets to begin with
    building.py   the compiler's and the fuzzer's command lines

`make fuzz` runs it for longer than the tests do; CONTRIBUTING.md says how.
"""
