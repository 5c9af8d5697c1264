# SPDX-License-Identifier: MIT
"""The rate ladder: shares become rates, in an order of the seed, the same for every mechanism."""

from __future__ import annotations

from typing import Any

import pytest

from harness.catalogue import Catalogue
from harness.controller import ladder
from harness.errors import UsageError
from harness.names import Variant
from harness.plan import Cell, Request, Side, is_share, make_plan
from harness.profiles import LADDER
from harness.protocol import QUICK
from harness.testing.fake_worker import list_document
from harness.worker import Worker


def _cell(rate: str, connections: str = "10") -> Cell:
    params = {"connections": connections, "mode": "open", "rate": rate}
    sides = (Side(Variant("epoll", "lt")),)
    return Cell("tcp_rr", params, "headline", True, False, QUICK, sides)


def test_a_share_is_a_whole_percentage_and_nothing_else() -> None:
    assert all(is_share(text) for text in (*LADDER, "100%", "150%"))
    assert not any(is_share(text) for text in ("", "%", "0%", "-5%", "1.5%", "50", "5000%", "x%"))


def test_rates_have_two_digits_and_are_never_zero() -> None:
    assert [ladder.rounded(rate) for rate in (0.2, 7.4, 84.6, 12_345.0, 99_600.0)] == [
        1,
        7,
        85,
        12_000,
        100_000,
    ]


def test_each_ladder_has_an_order_of_its_own_and_the_rest_stays() -> None:
    plain = _cell("5000")
    cells = [plain, *(_cell(rate) for rate in LADDER), *(_cell(rate, "100") for rate in LADDER)]
    orders = set()
    for seed in range(20):
        made = ladder.in_order(cells, seed)
        assert made == ladder.in_order(cells, seed)
        assert made[0] is plain
        assert all(cell.params["connections"] == "10" for cell in made[1 : 1 + len(LADDER)])
        assert sorted(map(id, made)) == sorted(map(id, cells))
        orders.add(tuple(cell.params["rate"] for cell in made))
    assert len(orders) > 10


class _Worker(Worker):
    """A closed loop of 20,000 requests a second."""

    asked: list[dict[str, Any]] = []

    def __init__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> "_Worker":
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def ask(self, deadline_s: float = 1.0, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        return {"wall_ns": int(request.get("operations", 0)) * 50_000}

    def hang_up(self) -> None:
        pass


class _Interrupt:
    def check(self) -> None:
        pass


class _Setting:
    program, plugins, seed, interrupt = "worker", (), 1, _Interrupt()


def test_a_share_becomes_a_rate_and_a_closed_loop_is_tried_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ladder, "Worker", _Worker)
    monkeypatch.setattr(_Worker, "asked", [])
    found = ladder.Ladder(_Setting())  # type: ignore[arg-type]
    rates = [found.settled(_cell(share)).params["rate"] for share in LADDER]
    assert rates == ["2000", "5000", "10000", "14000", "16000", "18000", "19000"]
    opened = [one for one in _Worker.asked if one["do"] == "open"]
    assert len(opened) == 1 and opened[0]["params"]["mode"] == "closed"
    slices = [one["operations"] for one in _Worker.asked if one["do"] == "slice"]
    assert all(operations % 10 == 0 for operations in slices)
    fixed = _cell("5000")
    assert found.settled(fixed) is fixed


def test_the_full_profile_has_the_ladder_and_a_share_can_be_asked_for() -> None:
    catalogue = Catalogue.of(list_document())
    full = make_plan(Request("full", workloads=("tcp_rr",)), catalogue, 20_000)
    rates = [
        c.params["rate"] for c in full.cells if c.open_loop and c.params["connections"] == "10"
    ]
    assert tuple(rates) == LADDER
    asked = Request(workloads=("tcp_rr",), params=("mode=open", "rate=50%"))
    assert "50%" in {c.params["rate"] for c in make_plan(asked, catalogue, 20_000).cells}
    with pytest.raises(UsageError, match="rate=50%"):
        refused = Request(workloads=("http_one_byte",), params=("rate=50%",))
        make_plan(refused, catalogue, 20_000)
