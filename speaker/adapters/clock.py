"""CLOCK_MONOTONIC, which is what bpf_ktime_get_ns() reads inside the kernel."""

from __future__ import annotations

import time


class MonotonicClock:
    """The port `Clock`."""

    def now(self) -> float:
        """Seconds since an arbitrary moment; never set back."""
        return time.clock_gettime(time.CLOCK_MONOTONIC)
