# SPDX-License-Identifier: MIT
"""A run of the whole full profile in which nothing is measured: as large as a run can be.

Plan, controller, analysis and records are the real ones; workers, servers, guests and counters are
made up. Other people's servers (W11) are left out.

Directly: `python3 -m harness.testing.made_up_run DIR` writes one with the full protocol, of 1.4
million slices in 2.4 GB.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest import mock

from harness import catalogue
from harness.controller.flame import Flames
from harness.guestcells.plan import make_guest_plan
from harness.measure import Order, Run
from harness.plan import Request, make_plan
from harness.profiles import PROFILES
from harness.progress import Progress
from harness.protocol import Protocol
from harness.realserver.plan import ServerPlan
from harness.stats.bootstrap import RESAMPLES, bootstrap_median
from harness.stats.compare import compare
from harness.testing import made_up
from results import summary
from results.reader import RAW, read

_DESCRIPTORS = 1_000_000
_PATCHES = (
    ("harness.controller.cellrun.Worker", made_up.MadeUpWorker),
    ("harness.controller.ladder.Worker", made_up.MadeUpWorker),
    ("harness.controller.httpcell.LocalSite", made_up.MadeUpSite),
    ("harness.measure.ResultWriter", made_up.LabellingWriter),
    ("harness.measure.count_sides", made_up.count_sides),
    ("harness.guestcells.part.prepare", made_up.prepared),
    ("harness.guestcells.boot.run_in_guest", made_up.run_in_guest),
)


def full_run(directory: Path, protocol: Protocol | None = None) -> Path:
    """Writes the run with its summary; `protocol` in place of the full profile's two."""
    profile = PROFILES["full"]
    if protocol is not None:
        profile = replace(profile, headline=protocol, scaling=protocol)
    with ExitStack() as stack:
        for name, stand_in in _PATCHES:
            stack.enter_context(mock.patch(name, stand_in))
        stack.enter_context(mock.patch.dict(PROFILES, full=profile))
        # Intervals of made-up figures need no precision, and take most of the time otherwise.
        for function in (compare, bootstrap_median):
            fewer = tuple(100 if one == RESAMPLES else one for one in function.__defaults__ or ())
            stack.enter_context(mock.patch.object(function, "__defaults__", fewer))
        stack.enter_context(
            mock.patch.object(
                Flames,
                "_sampled",
                lambda _, cell, __, side, ___: made_up.stacks(cell, side),
            )
        )
        known = catalogue.load(())
        request = Request("full", (), (), (), "both", False)
        plan = make_plan(request, known, _DESCRIPTORS)
        guest = replace(make_guest_plan(request, known, "6.12"), servers=ServerPlan())
        order = Order(("run", "--profile", "full"), directory, seed=1, quiet=True, guest=guest)
        Run(plan, order, Progress(1.0, quiet=True)).carry_out()
    summary.write(summary.build(read(directory, without=RAW)), directory)
    return directory


if __name__ == "__main__":
    print(full_run(Path(sys.argv[1])))
