# SPDX-License-Identifier: MIT
"""Ticks and their labels."""

from plots.axes import apart


def test_labels_that_would_touch_an_earlier_one_are_left_empty() -> None:
    labels = ["30 µs", "100 µs", "300 µs", "1 ms"]
    wide, narrow = [0.0, 0.6, 1.2, 1.8], [0.0, 0.2, 0.4, 0.6]
    assert apart(labels, wide, [1, 3, 0, 2]) == labels
    assert apart(labels, narrow, [1, 3, 0, 2]) == ["", "100 µs", "", "1 ms"]
    assert apart(labels, narrow, range(4)) == ["30 µs", "", "300 µs", ""]
