# SPDX-License-Identifier: MIT
"""Makes ready what a guest needs, beside the build: `python3 -m harness.guestcells.prepare SERIES`.

Fetches the kernel, builds kevent.ko and the guest's init, and finds out whether KVM works. All of
it is kept, and whatever fails here is tried again, and told, by the run itself; so this is silent
and its exit status says nothing.
"""

from __future__ import annotations

import contextlib
import sys

from harness.guest import image
from harness.guest.errors import GuestError
from harness.guestcells.boot import prepare


def main(series: str) -> None:
    """Does it all, as far as it goes."""
    with contextlib.suppress(GuestError):
        image.build_init()
        prepare(series, lambda line: None)


if __name__ == "__main__":
    main(sys.argv[1])
