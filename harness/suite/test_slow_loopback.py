# SPDX-License-Identifier: MIT
"""The tests in guests hold as well where the loopback delivers later than connect() or write().

On a busy machine the kernel leaves packets to a thread of its own, and a listener hears of a
connection, or a socket of its bytes, when the other end has gone on. That is rare; here it is so
with every packet.
"""
from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.guest import suite
from harness.guest.choose import choose_kernel
from harness.guest.kernels import SERIES, module_closure
from harness.guest.run import run_in_guest
from harness.guest.spec import GuestResult, GuestSpec
from harness.suite.conformance import conformance
from harness.suite.kernel import suite_outcome
from harness.tree import ROOT

pytestmark = [pytest.mark.guest, pytest.mark.long]

_PROGRAM = ROOT / "build" / "release" / "adapters" / "conformance" / "kevbench-conformance"
_DELAY = "5ms"
#: Loads the modules before "--" and runs the words after it.
_SCRIPT = f"""#!/bin/sh
set -e
while [ "$1" != -- ]; do insmod "$1"; shift; done
shift
tc qdisc add dev lo root netem delay {_DELAY}
exec "$@"
"""

Run = Callable[..., GuestResult]


@pytest.fixture
def run_slowly(tmp_path: Path) -> Run:
    """Runs a guest's command where each packet of the loopback takes its time."""
    script = tmp_path / "slow_loopback.sh"
    script.write_text(_SCRIPT)

    def run(spec: GuestSpec, **options: Any) -> GuestResult:
        modules = []
        for name, data in module_closure(choose_kernel(spec.kernel, print), ["sch_netem"]):
            modules.append(tmp_path / f"{name}.ko")
            modules[-1].write_bytes(data)
        tc = shutil.which("tc")
        assert tc, "tc is missing: apt install iproute2"
        # A guest carries by itself what stands first, which is now the shell.
        program = shutil.which(spec.command[0])
        assert program
        slow = replace(
            spec,
            command=["sh", str(script), *map(str, modules), "--", *spec.command],
            add=[*spec.add, script, Path(tc), Path(program), *modules],
            deadline_s=2 * spec.deadline_s,
        )
        return run_in_guest(slow, **options)

    return run


@pytest.mark.parametrize("series", SERIES)
def test_adapters_conform(run_slowly: Run, series: str) -> None:
    outcome = conformance(_PROGRAM, series, run_slowly)
    assert outcome.problems == []
    assert outcome.passed


@pytest.mark.parametrize("series", SERIES)
def test_module_passes_its_own_tests(
    run_slowly: Run, series: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "run_in_guest", run_slowly)
    outcome = suite_outcome(series, suite.run_suite(series))
    assert outcome.problems == []
    assert outcome.passed
