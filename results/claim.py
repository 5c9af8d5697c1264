# SPDX-License-Identifier: MIT
"""The verdict on the web-server claim of 2006, as a pure function of a ratio and its interval.

The claim: a trivial web server loaded by httperf answers 3380 requests a second with kevent where it
answers 2200, sometimes 2500, with epoll, which is 1.35 to 1.54 times as many. The rule was fixed
before anything was measured: confirmed where the whole interval of the ratio lies above 1.35, the
direction only where it lies between 1.05 and 1.35, parity within 0.95 to 1.05, refuted below. An
interval that straddles a limit is inconclusive.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

CLAIMED = (3380 / 2500, 3380 / 2200)
"""The lower and the upper ratio of the published figures."""
CONFIRMED, DIRECTION, PARITY = 1.35, 1.05, 0.95


class State(enum.Enum):
    """What a ratio of kevent's requests per second to epoll's says of the claim."""

    CONFIRMED = "confirmed"
    DIRECTION = "direction only"
    PARITY = "parity"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Ratio:
    """Requests per second of kevent over those of epoll; lo and hi None without an interval.

    For counts of instructions per request it is epoll's over kevent's: how many more requests the
    same instructions answer.
    """

    value: float
    lo: float | None
    hi: float | None

    @staticmethod
    def of_cost(value: float | None, lo: float | None, hi: float | None) -> Ratio | None:
        """From a stored cost ratio of kevent to epoll, of which it is the reciprocal."""
        if value is None or value <= 0:
            return None
        if lo is None or hi is None or lo <= 0 or hi <= 0:
            return Ratio(1 / value, None, None)
        return Ratio(1 / value, 1 / hi, 1 / lo)


@dataclass(frozen=True)
class Verdict:
    """A state and one line that says why."""

    state: State
    why: str


def judge(ratio: Ratio | None, *, emulated_time: bool = False, absent: str = "") -> Verdict:
    """The verdict. `emulated_time`: the ratio is of times of an emulator, which decide nothing.

    `absent` says why there is no ratio. A limit itself belongs to parity, so that "above" means
    above: 1.05 exactly is parity, 1.35 exactly is the direction only.
    """
    if emulated_time:
        return Verdict(State.NOT_JUDGED, "emulated")
    if ratio is None:
        return Verdict(State.NOT_JUDGED, absent or "not measured")
    if ratio.lo is None or ratio.hi is None:
        return Verdict(State.NOT_JUDGED, "too few runs for an interval")
    if not 0 < ratio.lo <= ratio.hi < math.inf:
        return Verdict(State.NOT_JUDGED, "the interval is not one of a ratio")
    least, most = ratio.lo, ratio.hi
    if least > CONFIRMED:
        return Verdict(State.CONFIRMED, f"the whole interval lies above {CONFIRMED:.2f}")
    if least > DIRECTION and most <= CONFIRMED:
        why = f"the whole interval lies between {DIRECTION:.2f} and {CONFIRMED:.2f}"
        return Verdict(State.DIRECTION, why)
    if least >= PARITY and most <= DIRECTION:
        why = f"the whole interval lies between {PARITY:.2f} and {DIRECTION:.2f}"
        return Verdict(State.PARITY, why)
    if most < PARITY:
        return Verdict(State.REFUTED, f"the whole interval lies below {PARITY:.2f}")
    limit = next(one for one in (CONFIRMED, DIRECTION, PARITY) if least <= one <= most)
    why = f"{least:.2f} to {most:.2f} lies on both sides of {limit:.2f}"
    return Verdict(State.INCONCLUSIVE, why)
