# SPDX-License-Identifier: MIT
"""Whatever goes wrong: one line names host and remedy, settings are back, nothing is overwritten."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.load import daemon
from playbooks.conftest import Lab, Played
from results.reader import read

_WAIT_S = 120.0
_LOOK_S = 0.2


@pytest.fixture(scope="module")
def found(lab: Lab) -> dict[str, str]:
    """The hosts, provisioned and tuned; their settings before that."""
    made = lab.play("preflight.yml")
    assert made.status == 0, made.text
    before = lab.settings()
    ready = lab.play("site.yml", "--tags", "packages")
    assert ready.status == 0, ready.text
    return before


@pytest.fixture
def tuned(lab: Lab, found: dict[str, str]) -> dict[str, str]:
    """Settings to which a failure has to go back."""
    assert lab.play("tune.yml").status == 0
    assert lab.settings() != found
    return found


def failure(played: Played) -> str:
    """The lines with which hosts failed."""
    assert played.status != 0, played.text
    return "\n".join(line for line in played.text.splitlines() if line.startswith("fatal: ["))


def wait_for(what: Callable[[], bool], meanwhile: "subprocess.Popen[str]") -> None:
    """Waits until it is so, while the play goes on."""
    ends = time.monotonic() + _WAIT_S
    while not what():
        assert meanwhile.poll() is None, "the play ended before"
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(_LOOK_S)


def start(lab: Lab) -> "subprocess.Popen[str]":
    """A play of the measurement, in a session of its own."""
    return subprocess.Popen(
        lab.words("run.yml"),
        cwd=Path(__file__).parents[1],
        env=lab.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def measuring(lab: Lab, known: set[Path]) -> Callable[[], bool]:
    """Whether a run that was not known has a finished slice."""

    def has_slice() -> bool:
        files = set(lab.root("gen1").glob("runs/*/results.jsonl")) - known
        return any('"record":"slice"' in path.read_text() for path in files)

    return has_slice


def runs(lab: Lab) -> set[Path]:
    return set(lab.root("gen1").glob("runs/*/results.jsonl"))


def test_a_host_that_is_not_there_stops_the_play_before_anything_changes(
    possible: None, tmp_path: Path
) -> None:
    inventory = tmp_path / "hosts.ini"
    inventory.write_text(
        "[servers]\nsrv9 ansible_host=127.0.0.1 ansible_port=1 bench_address=127.0.0.1\n"
        "[loadgens]\n[targets:children]\nservers\nloadgens\n"
    )
    text = failure(Lab(tmp_path, "unused").play("site.yml", "-i", str(inventory)))
    assert "srv9 cannot be reached at 127.0.0.1" in text and "check ansible_host" in text


def stubs(folder: Path, vermagic: str) -> dict[str, str]:
    """Tools that build an empty module for a kernel; insmod stays the machine's own."""
    folder.mkdir()
    tools = {
        "make": 'while [ "$1" != -C ]; do shift; done; : >"$2/kevent.ko"',
        "modinfo": f'[ "$2" = vermagic ] && echo "{vermagic} SMP" || echo 0123456789ABCDEF',
    }
    for name, script in tools.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:/usr/sbin:/usr/bin:/sbin:/bin"}


@pytest.mark.parametrize(
    ("vermagic", "words"),
    [
        ("5.4.0-other", ("was built for 5.4.0-other", "install linux-headers-")),
        (os.uname().release, ("the kernel refused kevent.ko", "see dmesg")),
    ],
    ids=["wrong headers", "refused"],
)
def test_a_module_that_does_not_fit_is_explained(
    lab: Lab, tuned: dict[str, str], tmp_path: Path, vermagic: str, words: tuple[str, ...]
) -> None:
    for old in lab.root("srv1").glob("kmod/*/kevent.ko"):
        old.unlink()
    played = lab.play(
        "module.yml",
        can_load_modules=True,
        kmodule_build_on="target",
        kmodule_headers="/usr",
        kmodule_environment=stubs(tmp_path / "bin", vermagic),
    )
    text = failure(played)
    assert "srv1: " in text and all(word in text for word in words), text
    assert lab.settings()["srv1"] == tuned["srv1"]


def test_a_generator_that_dies_in_the_middle_is_named_and_all_hosts_are_put_back(
    lab: Lab, tuned: dict[str, str]
) -> None:
    known = runs(lab)
    with start(lab) as play:
        wait_for(measuring(lab, known), play)
        agent = daemon.read(lab.root("gen1") / "agent-generator.pid")
        assert agent is not None
        os.killpg(agent.pid, signal.SIGKILL)
        text, _ = play.communicate(timeout=_WAIT_S)
    lines = failure(Played(play.returncode, text))
    assert "gen1 went away in the middle of the sweep" in lines and "play again" in lines
    assert lab.settings() == tuned
    (kept,) = runs(lab) - known
    result = read(kept)
    assert result.end is not None and result.end["status"] == "failed"
    assert list(result.of("slice")), "finished slices are kept"
    assert any("gen1 went away" in one["reason"] for one in result.of("skip"))


@pytest.fixture
def small_disk(lab: Lab) -> Iterator[Path]:
    """A disk below the generator's runs that takes less than a run's results."""
    folder = lab.root("gen1") / "runs"
    folder.mkdir(exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=16k", "kevbench-test", str(folder)]
    mounted = subprocess.run(words, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_ends_the_run_with_what_to_do(
    lab: Lab, tuned: dict[str, str], small_disk: Path
) -> None:
    text = failure(lab.play("run.yml"))
    assert "gen1" in text and "No space left on device; free space" in text, text
    assert lab.settings() == tuned


def test_results_of_the_same_name_stop_the_run_and_stay_as_they_are(
    lab: Lab, tuned: dict[str, str]
) -> None:
    here = lab.results / "nightly"
    here.mkdir(parents=True)
    text = failure(lab.play("run.yml", bench_run_id="nightly"))
    assert f"{here} exists" in text and "never overwritten" in text
    assert list(here.iterdir()) == []
    there = lab.root("gen1") / "runs" / "weekly"
    there.mkdir(parents=True)
    text = failure(lab.play("run.yml", bench_run_id="weekly"))
    assert f"{there} exists: name a folder that does not" in text
    assert list(there.iterdir()) == [] and lab.settings() == tuned


def test_a_play_after_a_killed_one_starts_clean_and_restores_the_first_values(
    lab: Lab, tuned: dict[str, str]
) -> None:
    known = runs(lab)
    with start(lab) as play:
        wait_for(measuring(lab, known), play)
        os.killpg(play.pid, signal.SIGKILL)
        play.communicate(timeout=_WAIT_S)
    (cut,) = runs(lab) - known
    again = lab.play("site.yml", "--tags", "tune,run")
    assert again.status == 0, again.text
    finished = runs(lab) - known - {cut}
    assert [end["status"] for path in finished if (end := read(path).end)] == ["complete"]
    assert cut.is_file(), "what the killed play measured is kept"
    assert lab.play("restore.yml").status == 0
    assert lab.settings() == tuned
