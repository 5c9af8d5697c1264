# SPDX-License-Identifier: MIT
"""From two hosts that are not there yet to a report, and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playbooks.conftest import Lab, Played
from results import validate
from results.reader import read


@pytest.fixture(scope="module")
def fresh(lab: Lab) -> tuple[Played, dict[str, str]]:
    """Check mode on hosts that nothing was done to, and their settings."""
    return lab.play("site.yml", "--check"), lab.settings()


@pytest.fixture(scope="module")
def site(lab: Lab, fresh: tuple[Played, dict[str, str]]) -> Played:
    return lab.play("site.yml")


@pytest.fixture(scope="module")
def run(lab: Lab, site: Played) -> Path:
    assert site.status == 0, site.text
    (found,) = lab.results.glob("*/srv1")
    return found


def test_check_mode_passes_on_a_fresh_host_and_changes_nothing(
    lab: Lab, fresh: tuple[Played, dict[str, str]]
) -> None:
    assert fresh[0].status == 0, fresh[0].text
    assert not lab.root("srv1").exists() and not lab.results.exists()


def test_hosts_are_taken_to_a_report_with_httperf(run: Path) -> None:
    result = read(run)
    validate.check_records(result.records)
    assert result.end is not None and result.end["status"] == "complete"
    loads = [one["load"] for one in result.of("slice") if one["block"] == 0]
    assert {one["tool"] for one in loads} == {"httperf"}
    assert sum(one["replies"] for one in loads) > 0
    assert (run / "report.html").is_file() and (run / "report.pdf").is_file()


def test_each_host_is_in_the_results_with_its_environment(run: Path) -> None:
    found = [(one["role"], one["host"]) for one in read(run).of("env")]
    assert found == [("server", "srv1"), ("generator", "gen1")]
    assert "generator gen1" in (run / "report.html").read_text()


def test_what_a_host_cannot_run_is_listed_with_the_reason(run: Path, site: Played) -> None:
    skips = [one for one in read(run).of("skip") if one["mechanism"] == "kevent"]
    assert skips and all(one["reason"] for one in skips)
    assert "srv1: kevent is not run" in site.text
    page = (run.parent / "hosts.html").read_text()
    assert skips[0]["reason"].partition(":")[0] in page


def test_a_second_play_of_everything_but_the_measurement_changes_nothing(
    lab: Lab, run: Path
) -> None:
    again = lab.play("site.yml", "--skip-tags", "run")
    assert (again.status, again.changed) == (0, 0), again.text


def test_check_mode_passes_on_a_provisioned_host(lab: Lab, run: Path) -> None:
    before = lab.settings()
    checked = lab.play("site.yml", "--check")
    assert checked.status == 0, checked.text
    assert lab.settings() == before


def test_restore_leaves_every_touched_setting_as_it_was_found(
    lab: Lab, run: Path, fresh: tuple[Played, dict[str, str]]
) -> None:
    assert lab.settings() != fresh[1], "tuning changed nothing: the test would prove nothing"
    restored = lab.play("restore.yml")
    assert restored.status == 0, restored.text
    assert lab.settings() == fresh[1]
    assert not (lab.root("srv1") / "tune-before.json").exists()
    assert lab.play("restore.yml").changed == 0


def test_other_results_of_the_same_name_are_not_overwritten(lab: Lab, run: Path) -> None:
    archive = run.parent / "srv1.tar.gz"
    kept = archive.read_bytes()
    archive.write_bytes(b"results of somebody else")
    try:
        fetched = lab.play("fetch.yml")
        assert fetched.status != 0
        assert "gen1:" in fetched.text and "move it away" in fetched.text
        assert archive.read_bytes() == b"results of somebody else"
    finally:
        archive.write_bytes(kept)


def test_the_run_directory_names_its_plan(run: Path, lab: Lab) -> None:
    plan = json.loads((lab.root("gen1") / "plan.json").read_text())
    assert plan["labels"] == {"run": run.parent.name, "server": "srv1"}
