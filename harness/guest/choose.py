# SPDX-License-Identifier: MIT
"""Every kernel a guest can have: Debian's own, and the debug kernel built from its source."""

from collections.abc import Callable

from harness.guest import debug_kernel
from harness.guest.kernels import SERIES, Kernel, ensure_kernel

CHOICES = (*SERIES, debug_kernel.SERIES)
#: Checkers slow an emulated guest about this much; deadlines are multiplied by it.
DEBUG_SLOWNESS = 6
#: KASAN's shadow and quarantine, and kmemleak's records, on top of what a guest needs.
DEBUG_MEMORY_MIB = 3072


def choose_kernel(series: str, tell: Callable[[str], None]) -> Kernel:
    """Fetches or builds the kernel when it is not in the cache. Raises GuestError."""
    if series == debug_kernel.SERIES:
        return debug_kernel.ensure_debug_kernel(tell)
    return ensure_kernel(series)


def is_debug(series: str) -> bool:
    """Whether this is the kernel with the checkers."""
    return series == debug_kernel.SERIES
