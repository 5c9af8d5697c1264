# SPDX-License-Identifier: MIT
from __future__ import annotations

import json

import pytest

from harness.load.calibrate import Ceiling, search_ceiling
from harness.load.point import LoadPoint, Loop, Status, combine


def made(status: Status = Status.VALID, rate: float = 10.0, reason: str = "") -> LoadPoint:
    return LoadPoint(
        tool="httperf",
        loop=Loop.OPEN,
        connections=5,
        rate_requested=rate,
        rate_achieved=rate,
        replies=5,
        replies_per_s=rate,
        duration_s=rate / 10,
        errors={"connreset": 1},
        status=status,
        reason=reason,
    )


def test_combining_adds_counts_and_keeps_the_worst_status() -> None:
    point = combine([made(), made(Status.CLIENT_LIMITED, 20, "slow"), made(Status.SATURATED)])
    assert (point.status, point.reason) == (Status.CLIENT_LIMITED, "slow")
    assert (point.connections, point.replies, point.errors) == (15, 15, {"connreset": 3})
    assert (point.rate_requested, point.duration_s) == (40, 2)


def test_combining_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no load points"):
        combine([])


def test_json_form_is_plain_data() -> None:
    assert json.loads(json.dumps(made().to_json()))["status"] == "valid"


@pytest.mark.parametrize("limit", [600.0, 1500.0, 30000.0])
def test_ceiling_search_closes_in_on_the_limit_from_below(limit: float) -> None:
    def offer(rate: float) -> LoadPoint:
        return made(Status.VALID if rate <= limit else Status.CLIENT_LIMITED, rate)

    found = search_ceiling(offer, 500)
    assert 0.85 * limit <= found.replies_per_s <= limit
    assert len(found.points) <= 12


def test_ceiling_is_zero_when_the_first_point_fails() -> None:
    found = search_ceiling(lambda rate: made(Status.INVALID, rate), 500)
    assert found.replies_per_s == 0
    assert len(found.points) == 1


def test_headroom_means_twice_the_servers_rate() -> None:
    assert Ceiling(2000, ()).has_headroom(1000)
    assert not Ceiling(1999, ()).has_headroom(1000)
