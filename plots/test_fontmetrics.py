# SPDX-License-Identifier: MIT
import json
from functools import partial

from plots import fontmetrics
from plots.together import carry_out


def _widths(first: int) -> bytes:
    characters = [*range(first, 0x17F), *range(0x21, first)]
    found = {code: fontmetrics.width(chr(code), 10.0) for code in characters}
    return json.dumps(dict(sorted(found.items()))).encode()


def test_processes_that_measure_at_once_find_the_widths_that_one_finds() -> None:
    """They must not share the open file of a font: each would move where the others read."""
    fontmetrics._advance.cache_clear()
    fontmetrics._font.cache_clear()
    assert fontmetrics.width("n", 10.0) > 0
    starts = [0x21 + 17 * number for number in range(8)]
    for _ in range(6):
        found = carry_out([partial(_widths, first) for first in starts], len(starts))
        assert len(set(found)) == 1
    assert found[0] == _widths(0x21)
