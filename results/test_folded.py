# SPDX-License-Identifier: MIT
"""Folded stacks go out and come back, and what is none is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results import folded
from results.errors import ResultsError

_NAMES = st.text(min_size=1, max_size=12).map(folded.frame)
_STACKS = st.lists(_NAMES, min_size=1, max_size=6).map(lambda names: tuple(names))


@given(st.dictionaries(_STACKS, st.integers(1, 10**9)))
def test_stacks_go_out_and_come_back(stacks: folded.Stacks) -> None:
    assert folded.parse(folded.dump(stacks).split("\n")) == stacks


@given(st.text(max_size=60))
def test_no_name_ends_a_frame_or_a_line(name: str) -> None:
    made = folded.frame(name)
    assert made and ";" not in made and len(f"x;{made} 1\n".splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    ("no count", "a;b -1", "a;b 1e3", "a;b nan", " 5", "a 99999999999999999", "a;b ١٢", "5"),
)
def test_what_is_no_stack_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(ResultsError, match="line 2"):
        folded.parse(["ok 1\n", text + "\n"])


def test_absurd_depth_sums_and_sizes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ResultsError, match="too deep"):
        folded.parse(["f" + ";f" * 2000 + " 1"])
    with pytest.raises(ResultsError, match="more samples"):
        folded.parse(["a 9000000000000000", "b 9000000000000000"])
    large = tmp_path / "1.folded"
    large.write_text("a 1\n" * 100)
    monkeypatch.setattr(folded, "MOST_BYTES", 99)
    with pytest.raises(ResultsError, match="larger than"):
        folded.load(large)
    with pytest.raises(ResultsError, match="cannot read"):
        folded.load(tmp_path / "none")
