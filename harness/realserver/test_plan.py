# SPDX-License-Identifier: MIT
"""Which servers a run measures, what it skips aloud, and what the guest's shell is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import catalogue
from harness.errors import UsageError
from harness.guest import packages
from harness.guestcells.plan import GuestPlan, make_guest_plan
from harness.plan import Request, make_plan
from harness.realserver.entry import entry
from harness.realserver.plan import load_of, requests_of, server_seconds
from harness.realserver.script import write_script
from harness.realserver.servers import SERVERS, Server
from harness.realserver.testing import PARAMS
from harness.testing.fake_worker import list_document
from results import validate

OFFERED = "apt does not offer nginx"


@pytest.fixture(autouse=True)
def both_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "why_missing", lambda package: None)


def known() -> catalogue.Catalogue:
    document = list_document()
    return catalogue.Catalogue.of({**document, "workloads": [*document["workloads"], entry(False)]})


def plan(**options: object) -> GuestPlan:
    return make_guest_plan(Request(**options), known(), "6.12")  # type: ignore[arg-type]


def test_each_server_has_a_side_on_its_own_epoll_and_one_on_kevent() -> None:
    servers = plan(workloads=("real_server",)).servers
    assert {cell.params["server"] for cell in servers.cells} == set(SERVERS)
    for cell in servers.cells:
        assert [side.label for side in cell.sides] == ["epoll+native", "kevent+preload"]
        assert {side.trigger for side in cell.sides} == {SERVERS[cell.params["server"]].trigger}
    assert server_seconds(servers) > 60


def test_it_belongs_to_the_full_profile_and_not_to_the_quick_one() -> None:
    assert plan(profile="full").servers.cells
    assert not plan().servers.cells and not server_seconds(plan().servers)


def test_a_mechanism_can_be_chosen_and_another_leaves_nothing() -> None:
    (cell,) = plan(
        workloads=("real_server",),
        mechanisms=("kevent",),
        params=("server=nginx", "rate=500", "requests=1"),
    ).servers.cells
    assert [side.label for side in cell.sides] == ["kevent+preload"]
    servers = plan(workloads=("real_server",), mechanisms=("select",)).servers
    assert not servers.cells and "neither is asked for" in servers.skips[0].reason


def test_a_package_that_is_missing_costs_its_server_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        packages, "why_missing", lambda package: OFFERED if package == "nginx" else None
    )
    servers = plan(workloads=("real_server",)).servers
    assert {cell.params["server"] for cell in servers.cells} == {"lighttpd"}
    assert {(skip.params["server"], skip.reason) for skip in servers.skips} == {("nginx", OFFERED)}
    assert entry(True)["available"]


def test_without_any_server_the_list_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "why_missing", lambda package: f"no {package}")
    item = entry(True)
    assert not item["available"] and item["reason"] == "no nginx; no lighttpd"
    validate.check("list", {**list_document(), "workloads": [item]})


def test_only_the_list_asks_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(packages, "why_missing", asked.append)
    assert entry(False)["available"] and not plan().servers.cells and not asked


def test_this_machine_says_that_only_the_guest_measures_it() -> None:
    made = make_plan(Request(workloads=("real_server",), where="both"), known(), 1024)
    assert not made.cells and "guest alone" in made.skips[0].reason


@pytest.mark.parametrize("text", ["server=apache", "connections=10", "requests=0"])
def test_what_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        plan(workloads=("real_server",), params=(text,))


@pytest.mark.parametrize(("requests", "due"), [("1", 100), ("7", 105), ("1000", 1000)])
def test_a_batch_is_a_whole_number_of_connections(requests: str, due: int) -> None:
    params = {**PARAMS, "requests": requests}
    assert requests_of(params) == due
    assert load_of(params).connection_rate * int(requests) == pytest.approx(10_000)


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
def test_the_shell_is_given_names_with_spaces_whole(tmp_path: Path, server: Server) -> None:
    (cell,) = plan(
        workloads=("real_server",), params=(f"server={server.name}", "rate=500", "requests=1")
    ).servers.cells
    folder = tmp_path / "with space"
    folder.mkdir()
    library = folder / "library.so"
    script = write_script(
        [cell], {server.name: folder}, folder, Path("/usr/bin/httperf"), library, {"a.b": "/proc/c"}
    )
    assert f"'{folder}/{server.program}'" in script.text and f"'{library}'" in script.text
    assert "fact a.b /proc/c\n" in script.text
    conf = folder / f"{server.name}-1000.conf"
    assert "1000" in conf.read_text() and "$" not in conf.read_text()
    assert {conf, library, folder / server.program} <= set(script.files)
