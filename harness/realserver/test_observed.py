# SPDX-License-Identifier: MIT
"""A server that did not do all it should is believed in nothing, and the reason is one line."""

from __future__ import annotations

import pytest

from harness.realserver.observed import facts, fault_of, parse
from harness.realserver.plan import BATCHES
from harness.realserver.testing import PARAMS, told

SOUND = told(0, PARAMS, 40_000, preloaded=True)
FIRST_CUT = SOUND.index(f"batch {BATCHES} ")


def fault(text: str, preloaded: bool = True, **params: str) -> str | None:
    return fault_of(parse(text)[0], {**PARAMS, **params}, preloaded)


def test_a_server_that_answered_everything_has_no_fault_and_one_batch_warms_up() -> None:
    served = parse(SOUND)[0]
    assert fault(SOUND) is None
    assert len(served.batches) == BATCHES + 1 and len(served.counted) == BATCHES
    assert {batch.instructions for batch in served.batches} == {4_000_000}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("left 0", "left 139", "nginx left with status 139"),
        ("left 0", "trouble the page differs\nleft 0", "the page differs"),
        (
            "log k",
            "log 2026/01/01 [alert] 9#9: worker exited\nlog k",
            "nginx logs: .*worker exited",
        ),
        ("total 0 client-timo 0", "total 3 client-timo 3", "3 errors of 100 .*: 3 client-timo"),
        ("replies 100", "replies 99", "99 replies to 100 requests"),
        ("content 2737.0", "content 15.0", "bodies of 15.0 bytes, the page has 2737"),
        ("2xx=100 3xx=0 4xx=0", "2xx=99 3xx=0 4xx=1", "1 replies were not 2xx"),
        ("Errors: fd-unavail", "Err", "output is incomplete"),
        ("1206 events by kevent, 0", "900 events by kevent, 306", "epoll delivered 306 events"),
        ("1206 events by kevent, 0", "0 events by kevent, 1206", "did not run on it"),
    ],
)
def test_every_failure_is_named(old: str, new: str, says: str) -> None:
    assert old in SOUND
    reason = fault(SOUND.replace(old, new))
    assert reason is not None and "\n" not in reason
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(reason)


def test_a_server_that_went_away_between_batches_is_no_result() -> None:
    reason = fault(SOUND[:FIRST_CUT] + "left 0\n")
    assert reason == f"{BATCHES} of {BATCHES + 1} batches before nginx was gone"


def test_what_lighttpd_says_when_all_is_well_is_no_fault() -> None:
    log = (
        "log 2026-01-01 00:00:11: (server.c.1704) server started (lighttpd/1.4.69)\n"
        "log 2026-01-01 00:00:12: (server.c.1057) [note] graceful shutdown started\n"
        "log 2026-01-01 00:00:12: (server.c.2078) server stopped by UID = 0 PID = 127\n"
    )
    assert fault(SOUND + log, server="lighttpd") is None
    assert fault(SOUND + log.replace("[note] graceful", "[error]"), server="lighttpd")


def test_a_server_on_its_own_epoll_needs_no_word_of_the_library() -> None:
    assert fault(told(0, PARAMS, 40_000, preloaded=False), preloaded=False) is None


@pytest.mark.parametrize("end", range(0, len(SOUND), 97))
def test_a_guest_may_end_anywhere(end: int) -> None:
    found = parse(SOUND[:end])
    assert not found or fault_of(found[0], PARAMS, True)


def test_facts_of_the_guest_are_read() -> None:
    assert facts("fact kernel.release 6.12.1\ncell 0\n") == {"kernel.release": "6.12.1"}
