"""Builds native/_bpfmap: cffi in API mode, against Python's limited API.

What cffi must know is read from bpfmap.h itself, so it is said once. setup.py runs this; by hand:
`python setup.py build_ext --inplace` in the project's directory.
"""

from __future__ import annotations

from pathlib import Path

from cffi import FFI

HEADER = Path(__file__).with_name("bpfmap.h")

ffibuilder = FFI()
ffibuilder.cdef(
    "\n".join(line for line in HEADER.read_text().splitlines() if not line.startswith("#"))
)
ffibuilder.set_source(
    "native._bpfmap",
    '#include "bpfmap.h"',
    sources=["native/bpfmap.c"],
    depends=["native/bpfmap.h"],
    include_dirs=["native"],
    extra_compile_args=["-std=gnu11", "-O2", "-Wall", "-Wextra"],
    py_limited_api=True,
)
