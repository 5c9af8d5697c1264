# SPDX-License-Identifier: MIT
"""Plans: what a request selects, what it refuses, what it leaves out aloud."""

from __future__ import annotations

import pytest

from harness import estimate
from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.names import Variant, reference, trigger_by_name
from harness.plan import Plan, Request, make_plan, parse_params
from harness.profiles import LIMIT, PROFILES
from harness.testing.fake_worker import list_document
from results import validate

CATALOGUE = Catalogue.of(list_document())
NOFILE = 20_000


def plan(**options: object) -> Plan:
    """The plan of a request."""
    return make_plan(Request(**options), CATALOGUE, NOFILE)  # type: ignore[arg-type]


def test_the_list_follows_its_schema_and_names_what_is_missing() -> None:
    validate.check("list", CATALOGUE.document)
    assert CATALOGUE.variants[Variant("epoll", "lt")] is None
    assert "kevent.ko is not loaded" in str(CATALOGUE.variants[Variant("kevent", "mapped")])


def test_quick_has_its_variants_and_skips_kevent_aloud() -> None:
    made = plan()
    labels = {side.label for cell in made.cells for side in cell.sides}
    assert labels == {
        "select+select",
        "poll+poll",
        "epoll+lt",
        "epoll+et",
        "epoll+oneshot",
        "io_uring+multishot",
        "io_uring+completion",
        "io_uring+completion+defer",
        "null+null",
    }
    skipped = {skip.variant.name for skip in made.skips if skip.variant}
    assert skipped == {"kevent+get", "kevent+mapped", "kevent+mapped-et", "kevent+mapped+batch"}
    headline = [cell for cell in made.cells if cell.purpose == "headline"]
    sizes = [cell.params["registered"] for cell in headline if cell.workload == "idle_scan"]
    assert sizes == ["1", "100", "1000"]
    assert [c.params["active"] for c in headline if c.workload == "active_ratio"] == [
        "1",
        "100",
        "1000",
    ]
    assert all(cell.protocol.pairs == 8 and cell.protocol.blocks == 4 for cell in headline)
    assert {cell.workload for cell in headline} == {
        "idle_scan",
        "active_ratio",
        "source_pingpong",
        "tcp_rr",
        "http_one_byte",
    }


def test_quick_takes_less_than_four_minutes() -> None:
    assert estimate.plan_seconds(plan()) < 240


def test_the_largest_size_follows_the_descriptor_limit() -> None:
    sizes = [int(c.params["registered"]) for c in plan().cells if c.workload == "idle_scan"]
    assert 19_000 < max(sizes) <= NOFILE
    roomy = make_plan(Request(), CATALOGUE, 1 << 20)
    assert (
        max(int(c.params["registered"]) for c in roomy.cells if "registered" in c.params) == 100_000
    )
    tight = make_plan(Request(), CATALOGUE, 1024)
    assert any("descriptors, the limit is 1024" in skip.reason for skip in tight.skips)


def test_a_mechanism_means_all_its_variants() -> None:
    labels = [side.label for side in plan(mechanisms=("epoll", "epoll+lt")).cells[0].sides]
    assert labels == ["epoll+lt", "epoll+et", "epoll+oneshot"]


def test_aa_enters_every_variant_twice_with_the_long_protocol() -> None:
    made = plan(mechanisms=("epoll+lt",), aa=True)
    assert [side.label for side in made.cells[0].sides] == ["epoll+lt", "epoll+lt#2"]
    assert made.purpose == "aa" and made.cells[0].protocol.pairs == 10
    assert all(cell.purpose == "headline" for cell in made.cells)


def test_a_given_parameter_replaces_the_profiles_and_sweeps_when_repeated() -> None:
    made = plan(workloads=("idle_scan",), params=("registered=7", "registered=70"))
    sizes = [cell.params["registered"] for cell in made.cells if cell.purpose != "floor"]
    assert sizes == ["7", "70"]
    assert all(cell.params["source"] == "eventfd" for cell in made.cells)


def test_a_workload_that_the_profile_lacks_runs_at_its_defaults() -> None:
    document = list_document()
    document["workloads"].append({"name": "mine", "available": True, "reason": None, "params": {}})
    made = make_plan(Request(workloads=("mine",)), Catalogue.of(document), NOFILE)
    assert [cell.title for cell in made.cells] == ["mine"]


def test_the_floor_is_measured_without_the_checks_of_received_bytes() -> None:
    floors = [cell for cell in plan().cells if cell.purpose == "floor"]
    assert {cell.workload for cell in floors} == {"active_ratio"}
    assert all(cell.params["checks"] == "off" for cell in floors)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"mechanisms": ("eopll",)}, "unknown mechanism eopll: did you mean epoll"),
        ({"mechanisms": ("epoll+xt",)}, "epoll has no variant xt"),
        ({"mechanisms": ("kevent",)}, "nothing to measure: kevent\\+get is not available"),
        ({"workloads": ("idlescan",)}, "did you mean idle_scan"),
        ({"params": ("registered",)}, "write NAME=VALUE"),
        ({"params": ("registered=",)}, "write NAME=VALUE"),
        ({"params": ("registred=5",)}, "unknown parameter registred: the chosen workloads have"),
        ({"params": ("registered=0",)}, "out of range for idle_scan: use 1 to 100000"),
        ({"params": ("registered=ten",)}, "not a whole number"),
        ({"params": ("source=socket",)}, "use one of unix, eventfd, pipe, tcp"),
        ({"params": ("registered=50000",)}, "needs 50160 descriptors and the limit is 20000"),
        ({"workloads": ("tcp_rr",), "params": ("registered=5",)}, "unknown parameter registered"),
        ({"profile": "fast"}, "unknown profile fast: known are full, quick"),
    ],
)
def test_impossible_requests_are_refused_with_a_remedy(
    options: dict[str, object], says: str
) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        plan(**options)
    assert "\n" not in str(caught.value)


def test_repeated_parameters_keep_their_order_and_lose_duplicates() -> None:
    assert parse_params(["a=2", "a=1", "b=x=y", "a=2"]) == {"a": ("2", "1"), "b": ("x=y",)}


def test_every_variant_is_divided_by_epoll_in_its_own_trigger_mode() -> None:
    present = [Variant("epoll", name) for name in ("lt", "et", "oneshot")]
    expected = {
        ("select", "select"): "lt",
        ("epoll", "lt"): "lt",
        ("epoll", "et"): "et",
        ("epoll", "et-once"): "et",
        ("epoll", "oneshot"): "oneshot",
        ("epoll", "exclusive"): "lt",
        ("io_uring", "poll+defer"): "oneshot",
        ("io_uring", "multishot"): "et",
        ("io_uring", "completion+defer"): "lt",
        ("kevent", "mapped"): "lt",
        ("kevent", "mapped-et"): "et",
        ("kevent", "mapped+batch"): "lt",
        ("kevent", "get-oneshot"): "oneshot",
        ("null", "null"): "lt",
    }
    for (mechanism, variant), mode in expected.items():
        trigger = trigger_by_name(Variant(mechanism, variant))
        assert reference(trigger, present) == Variant("epoll", mode)


def test_without_the_counterpart_lt_is_the_reference_and_without_epoll_none() -> None:
    assert reference("et", [Variant("epoll", "lt")]) == Variant("epoll", "lt")
    assert reference("lt", [Variant("poll", "poll")]) is None


def test_profiles_name_only_sizes_that_exist() -> None:
    for profile in PROFILES.values():
        for sweep in profile.sweeps:
            for name, values in sweep.values.items():
                assert values and all(v == LIMIT or v for v in values), (sweep.workload, name)


def test_durations_read_well() -> None:
    assert estimate.duration_text(45.2) == "45 s"
    assert estimate.duration_text(200) == "3 min 20 s"
    assert estimate.duration_text(7500) == "2 h 5 min"


def test_the_web_server_of_2006_runs_its_own_sweeps_when_asked_for_and_not_otherwise() -> None:
    assert all(cell.workload != "kevent_2006" for cell in plan().cells)
    cells = plan(workloads=("kevent_2006",)).cells
    rates = {int(cell.params["rate"]) for cell in cells}
    assert min(rates) <= 1000 and max(rates) >= 25_000
    assert {cell.params["requests"] for cell in cells} == {"1", "10", "100"}
    assert {cell.params["style"] for cell in cells} == {"plain", "naive", "optimistic"}
    assert {cell.params["accept"] for cell in cells} == {"all", "one"}
    limited = [cell for cell in cells if cell.params["watch_limit"] == "4096"]
    assert {int(cell.params["idle"]) for cell in limited} == {1000, 4000, 6000}
    (one,) = plan(workloads=("kevent_2006",), params=("rate=5",)).cells[:1]
    assert one.params["rate"] == "5"
