"""What pyproject.toml cannot say: the packages that ship, BPF sources as data, cffi modules.

Every ``native/NAME_build.py`` holds a cffi ``ffibuilder``; a new one needs no change here.
The lab, the tests and the benchmarks belong to the repository and are not shipped.
"""

from __future__ import annotations

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

setup(
    # Said although it is the default: with it an editable install is a plain path entry, which mypy
    # and import-linter can follow, rather than an import hook, which they cannot.
    package_dir={"": "."},
    packages=find_packages(include=["vipcast*", "controller*", "speaker*", "native", "bpf"]),
    package_data={
        "": ["py.typed", "*.pyi"],
        "bpf": ["*.c", "*.h", "LICENSE"],
        "native": ["*.c", "*.h"],
    },
    exclude_package_data={"native": ["_*.c"]},
    cffi_modules=[
        f"{path.relative_to(HERE)}:ffibuilder" for path in sorted(HERE.glob("native/*_build.py"))
    ],
)
