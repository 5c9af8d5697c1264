# SPDX-License-Identifier: MIT
"""Proposed bands, injected padding, and what is called right."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

import numpy as np
import pytest

from harness import tree
from harness.errors import MeasurementFault
from harness.gate import guest
from harness.gate.cells import GUEST_CELLS
from harness.selftest import noise, padded, power
from harness.stats.verdict import EQUIVALENT, IMPROVED, INCONCLUSIVE, REGRESSED, Evidence

_SOURCE = """\
#include "state.h"
static int helper(int a);
static int helper(int a)
{
\treturn a;
}
bool kevent_fire(struct kevent *kev, u32 bits,
\t\t u32 how)
{
\treturn helper(bits);
}
"""


def test_padding_is_written_at_the_start_of_the_body_and_only_there() -> None:
    text = padded.pad_source(_SOURCE, "kevent_fire")
    assert text is not None
    assert text.index("kevent_selftest_pad()") > text.index("u32 how)\n{")
    assert text.index("kevent_selftest_pad()") < text.index("return helper(bits)")
    assert text.replace(padded._CALL, "\n", 1) == _SOURCE


def test_a_declaration_is_no_definition() -> None:
    assert padded.pad_source("bool kevent_fire(struct kevent *kev);\n", "kevent_fire") is None
    assert padded.pad_source(_SOURCE, "kevent_fire_note") is None


def test_the_sources_of_this_tree_have_a_place_to_pad(tmp_path: Path) -> None:
    copy = padded.padded_sources(copy=tmp_path / "tree")
    texts = [path.read_text() for path in (copy / "kmod").glob("*.[ch]")]
    assert sum("kevent_selftest_pad()" in text for text in texts) == 1
    assert "selftest_padding" in (copy / "kmod" / "main.c").read_text()


def test_the_shipped_sources_hold_no_padding() -> None:
    for path in (tree.ROOT / "kmod").glob("*.[ch]"):
        assert "selftest" not in path.read_text(), path


def test_the_shipped_worker_ignores_the_padding() -> None:
    words = [str(tree.BUILD / "harness" / "kevbench-worker")]
    if not Path(words[0]).exists():
        pytest.skip("the release build is not there")
    assert padded.VARIABLE.encode() not in Path(words[0]).read_bytes()


def test_sources_without_an_anchor_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MeasurementFault, match="is defined in kmod/"):
        padded.padded_sources(("no_such_function",), tmp_path / "tree")


@pytest.mark.parametrize(
    ("injected", "band", "said", "right"),
    [
        (0, 3, EQUIVALENT, True),
        (0, 3, INCONCLUSIVE, True),
        (0, 3, REGRESSED, False),
        (0, 3, IMPROVED, False),
        (2, 3, REGRESSED, False),
        (2, 3, EQUIVALENT, True),
        (5, 3, REGRESSED, True),
        (5, 3, INCONCLUSIVE, False),
        (10, 3, EQUIVALENT, False),
    ],
)
def test_what_is_right(injected: float, band: float, said: str, right: bool) -> None:
    case = power.Case("user space", "c", "m", injected, power.wanted(injected, band), said, None)
    assert case.right is right


def test_a_sweep_of_one_guest_is_told_apart() -> None:
    cells = GUEST_CELLS[:1]
    body = '{"slices": [{"wall_ns": 9, "ops": 1, "errors": {}}, {"wall_ns": %d, "ops": 1, "errors": {}}]}'
    text = "".join(
        f"kevbench-power {turns}\nkevbench-gate-cell 0\n{body % (100 + turns)}\n"
        for turns in (0, 7)
    )
    found = power.read_sweep(text, cells)
    assert {turns: one[cells[0].name][0] for turns, one in found.items()} == {0: 100.0, 7: 107.0}
    script = power.sweep_script(guest.GuestSide(Path("w"), None), cells, (0, 7))
    assert script.count(padded.PARAMETER) == 2
    subprocess.run(["sh", "-n", "-c", script], check=True)


def test_a_padding_that_does_not_show_is_no_slope() -> None:
    assert power._slope((100.0, ""), (1100.0, "")) == 1.0
    assert power._slope((100.0, ""), (101.0, "")) == "the padding is not passed"
    assert power._slope((None, "gone"), (1.0, "")) == "gone"


def _evidence(sd: float, pairs: int = 20, shift: float = 0.0) -> Evidence:
    values = np.random.default_rng(4).normal(shift, sd, pairs)
    return Evidence("c", "cpu_ns_per_event", 3.0, tuple(values), None, 1.0, 1.0, 100)


def test_the_resolution_falls_with_the_square_root_of_the_pairs() -> None:
    found = noise.of_evidence(_evidence(0.01), 1)
    assert isinstance(found, noise.Noise)
    assert found.resolution[5] == pytest.approx(2 * found.resolution[20], rel=0.05)
    # 2.8 standard errors of a median of 20, which is 1.25 times the mean's.
    assert found.resolution[20] == pytest.approx(2.8 * 1.25 * 1.0 / math.sqrt(20), rel=0.6)
    assert found.proposed >= found.resolution[10] and not found.false_alarm


def test_a_noisier_machine_is_given_wider_bands() -> None:
    quiet, loud = noise.of_evidence(_evidence(0.002), 1), noise.of_evidence(_evidence(0.05), 1)
    assert isinstance(quiet, noise.Noise) and isinstance(loud, noise.Noise)
    assert quiet.proposed < 3 < loud.proposed
    assert noise.bands([quiet, loud]) == {"cpu_ns_per_event": loud.proposed}


def test_identical_code_that_is_called_different_is_a_false_alarm() -> None:
    found = noise.of_evidence(_evidence(0.005, shift=0.2), 1)
    assert isinstance(found, noise.Noise) and found.false_alarm


def test_too_few_pairs_give_no_resolution() -> None:
    assert noise.of_evidence(_evidence(0.01, pairs=7), 1) == "only 7 pairs"
