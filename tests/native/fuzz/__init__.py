"""native/bgpwire under sanitizers, with calls that libFuzzer thinks up.

    target.c      an input is taken apart, the function is called, and what came is compared
    calls.[ch]    what an input says: a function, its arguments, and the room that it gets
    expected.c    what should have come, said independently: piece by piece, and measured afterwards
    seeds.py      calls to begin with
    building.py   the compiler's command line

`make fuzz` runs it for longer than the tests do; CONTRIBUTING.md says how.
"""
