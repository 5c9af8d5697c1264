# SPDX-License-Identifier: MIT
from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.tuning.apply import Request, apply, undo
from harness.tuning.settings import Role, Scope, Setting

BACKLOG = Setting("backlog", "proc/sys/backlog", "100", "why", at_least=True)
GOVERNOR = Setting("governor", "sys/cpu*/governor", "performance", "why", Scope.MACHINE)
RISKY = Setting("risky", "proc/sys/risky", "0", "why", extra=True)
ALL = (BACKLOG, GOVERNOR, RISKY)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, value in (
        ("proc/sys/backlog", "10"),
        ("proc/sys/risky", "1"),
        ("sys/cpu0/governor", "powersave"),
        ("sys/cpu1/governor", "performance"),
        ("proc/sys/kernel/random/boot_id", "this-boot"),
    ):
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value)
    return tmp_path / "root"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state" / "tune-before.json"


def value(root: Path, name: str) -> str:
    return (root / name).read_text()


def states(steps: object) -> dict[str, str]:
    return {Path(step.path).parent.name + "/" + step.name: step.state for step in steps}  # type: ignore[attr-defined]


def test_old_values_are_put_back_whatever_is_tuned_twice(root: Path, state: Path) -> None:
    assert states(apply(Request(), state, ALL, root)) == {
        "sys/risky": "left out",
        "cpu1/governor": "kept",
        "sys/backlog": "changed",
        "cpu0/governor": "changed",
    }
    assert (value(root, "proc/sys/backlog"), value(root, "sys/cpu0/governor")) == (
        "100",
        "performance",
    )
    (root / "proc/sys/backlog").write_text("50")
    assert "changed" in states(apply(Request(), state, ALL, root)).values()
    (root / "sys/cpu0/governor").write_text("")
    undo(state, root)
    assert (value(root, "proc/sys/backlog")[:2], value(root, "sys/cpu0/governor")) == (
        "10",
        "powersave",
    )
    assert not state.exists() and undo(state, root) == []


def test_a_second_time_changes_nothing(root: Path, state: Path) -> None:
    apply(Request(), state, ALL, root)
    again = states(apply(Request(), state, ALL, root))
    assert set(again.values()) == {"kept", "left out"}


def test_a_host_that_may_tune_its_namespace_only_leaves_the_machine_alone(
    root: Path, state: Path
) -> None:
    done = states(apply(Request(machine=False), state, ALL, root))
    assert done["cpu*/governor"] == "left out"
    assert value(root, "sys/cpu0/governor") == "powersave"


def test_a_dry_run_says_what_would_change(root: Path, state: Path) -> None:
    done = states(apply(Request(dry_run=True), state, ALL, root))
    assert done["sys/backlog"] == "would change"
    assert value(root, "proc/sys/backlog") == "10" and not state.exists()


def test_what_a_machine_lacks_is_said(root: Path, state: Path) -> None:
    absent = Setting("absent", "proc/sys/absent", "1", "why")
    (step,) = apply(Request(), state, (absent,), root)
    assert (step.state, bool(step.reason)) == ("absent", True)


def test_a_risky_setting_is_applied_when_asked_for_by_name(root: Path, state: Path) -> None:
    apply(Request(extra=frozenset({"risky"})), state, ALL, root)
    assert value(root, "proc/sys/risky") == "0"


def test_a_role_gets_its_own_settings(root: Path, state: Path) -> None:
    server = Setting("s", "proc/sys/backlog", "7", "why", roles=frozenset({Role.SERVER}))
    request = Request(roles=frozenset({Role.GENERATOR}))
    assert apply(request, state, (server,), root) == []


def test_nothing_changes_where_old_values_cannot_be_kept(root: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UsageError, match="nothing was changed"):
        apply(Request(), blocked / "tune-before.json", ALL, root)
    assert value(root, "proc/sys/backlog") == "10"


def test_values_of_another_boot_are_not_put_back(root: Path, state: Path) -> None:
    apply(Request(), state, ALL, root)
    (root / "proc/sys/kernel/random/boot_id").write_text("next-boot")
    (root / "proc/sys/backlog").write_text("128")
    assert undo(state, root) == []
    assert value(root, "proc/sys/backlog") == "128" and not state.exists()


def test_values_of_another_namespace_are_not_put_back_but_the_machines_are(
    root: Path, state: Path
) -> None:
    apply(Request(), state, ALL, root)
    document = json.loads(state.read_text())
    document["namespace"] = 1
    state.write_text(json.dumps(document))
    (root / "sys/cpu0/governor").write_text("")
    assert states(undo(state, root)) == {"cpu0/governor": "changed"}
    assert value(root, "proc/sys/backlog") == "100"


def test_a_damaged_file_of_old_values_stops_before_anything_changes(
    root: Path, state: Path
) -> None:
    state.parent.mkdir()
    state.write_text("{")
    with pytest.raises(UsageError, match="by hand"):
        apply(Request(), state, ALL, root)
    with pytest.raises(UsageError, match="by hand"):
        undo(state, root)
    assert value(root, "proc/sys/backlog") == "10"
