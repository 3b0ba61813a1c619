"""Builds native/_bgpwire: cffi in API mode, against Python's limited API.

What cffi must know is read from bgpwire.h itself, so it is said once. setup.py runs this; by hand:
`python setup.py build_ext --inplace` in the project's directory.
"""

from __future__ import annotations

from pathlib import Path

from cffi import FFI

HERE = Path(__file__).parent
HEADER = HERE / "bgpwire.h"
SOURCES = [f"native/{path.name}" for path in sorted(HERE.glob("bgpwire*.c"))]
HEADERS = [f"native/{path.name}" for path in sorted(HERE.glob("bgpwire*.h"))]

ffibuilder = FFI()
ffibuilder.cdef(
    "\n".join(line for line in HEADER.read_text().splitlines() if not line.startswith("#"))
)
ffibuilder.set_source(
    "native._bgpwire",
    '#include "bgpwire.h"',
    sources=SOURCES,
    depends=HEADERS,
    include_dirs=["native"],
    extra_compile_args=["-std=gnu11", "-O2", "-Wall", "-Wextra"],
    py_limited_api=True,
)
