# SPDX-License-Identifier: MIT
"""A server on kevent for real: one boot, one cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.controller.interrupt import Interrupt
from harness.guestcells.boot import prepare
from harness.guestcells.surroundings import Surroundings
from harness.progress import Progress
from harness.realserver import part
from harness.realserver.part import ServerPart
from harness.realserver.plan import BATCHES, make_server_plan
from harness.realserver.testing import PARAMS
from results.identity import new_run_id
from results.reader import read
from results.writer import ResultWriter

pytestmark = pytest.mark.guest


def test_an_unmodified_server_is_counted_on_kevent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "BOOTS", 1)
    plan = make_server_plan([PARAMS], ("kevent",))
    with ResultWriter(tmp_path / "results.jsonl", new_run_id()) as writer, Interrupt() as interrupt:
        writer.append("run", {"shown_params": {}})
        around = Surroundings(writer, interrupt, Progress(1.0, quiet=True), tmp_path, 1)
        made = ServerPart(plan, around)
        prepared = prepare("6.12", lambda line: None)
        place = {"where": "guest", "kernel": prepared.release, "accel": "tcg"}
        made.carry_out(prepared, place, describe=True)
    assert not made.errors and not made.faults
    result = read(tmp_path)
    found = {one["metric"]: one for one in result.of("metric")}
    # A request on a kept connection of a server with a file to send.
    assert 20_000 < found["instr_per_request"]["value"] < 100_000
    assert found["replies"]["value"] == BATCHES * 100 and found["errors"]["value"] == 0
    (environment,) = result.of("env")
    assert environment["facts"]["module"]["kevent"]["taint"]
