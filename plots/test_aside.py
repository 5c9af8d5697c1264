# SPDX-License-Identifier: MIT
import os

import pytest

from plots.aside import Aside


def test_a_child_makes_bytes_of_what_was_there() -> None:
    seen = os.getpid()
    with Aside(lambda: f"{seen} {os.getppid()}".encode()) as child:
        assert child.result() == f"{seen} {seen}".encode()


def test_what_the_child_raises_is_raised_here() -> None:
    def broken() -> bytes:
        raise ValueError("no such font")

    with Aside(broken) as child, pytest.raises(ValueError, match="no such font"):
        child.result()


def test_a_child_that_dies_is_no_endless_wait() -> None:
    with Aside(lambda: os._exit(3)) as child, pytest.raises(RuntimeError, match="died"):
        child.result()
