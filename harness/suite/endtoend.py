# SPDX-License-Identifier: MIT
"""The main job as a user runs it: `./kevbench run`, then a look at everything it wrote."""
from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.suite.outcome import Outcome, last_lines

#: A second run of the main job must end within this; the tests come after a build, so it holds.
RUN_LIMIT_S = 300.0

CHROMIUM = (
    "chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
    " --hide-scrollbars"
).split()


#: Mechanisms that must be counted in the guest, and the counts that speak for them.
GUEST_MECHANISMS = ("select", "poll", "epoll", "io_uring", "kevent")
COUNTS = ("instr_per_event", "instr_per_request")


class Broken(Exception):
    """An expectation that did not hold; the text says which."""


def expect(holds: bool, text: str) -> None:
    if not holds:
        raise Broken(text)


def check_exit_and_paths(done: subprocess.CompletedProcess[str], run_dir: Path) -> None:
    expect(done.returncode == 0, f"exit status {done.returncode}\n{last_lines(done.stderr)}")
    for name in ("report.html", "report.pdf"):
        expect(str(run_dir / name) in done.stdout, f"the output does not name {name}")
        expect((run_dir / name).stat().st_size > 20_000, f"{name} is too small to be a report")


def check_summary(run_dir: Path) -> None:
    summary: dict[str, Any] = json.loads((run_dir / "summary.json").read_text())
    expect(summary["schema"] == "kvb.summary", "summary.json is not a kvb.summary")
    measured = [row for row in summary["rows"] if row["status"] == "ok"]
    mechanisms = {row["mechanism"] for row in measured}
    for name in ("select", "poll", "epoll", "io_uring"):
        expect(name in mechanisms, f"summary.json has no measured row of {name}")
    check_guest_rows(summary["rows"])
    skipped = [row for row in summary["rows"] if row["status"] == "skipped"]
    expect(all(row["reason"] for row in skipped), "a skipped row gives no reason")
    for row in measured:
        if row["lo"] is not None and row["hi"] is not None:
            expect(row["lo"] <= row["value"] <= row["hi"], f"interval misses its value: {row}")
    floor = summary["floor"]["percent_of_cheapest_event"]
    expect(floor is not None and floor < 2.0, f"harness floor {floor} % is not below 2 %")


def check_guest_rows(rows: list[dict[str, Any]]) -> None:
    """Every mechanism was counted in the guest, and none of them skipped what it can do."""
    guest = [row for row in rows if row["where"] == "guest"]
    counted = [row for row in guest if row["metric"] in COUNTS and row["status"] == "ok"]
    expect(all(row["kernel"] for row in counted), "a guest row names no kernel")
    expect(all(row["accel"] in ("tcg", "kvm") for row in counted), "a guest row hides its accel")
    for name in GUEST_MECHANISMS:
        mine = [row for row in counted if row["mechanism"] == name]
        expect(bool(mine), f"summary.json has no instruction count of {name} in the guest")
        expect(
            any(row["ratio_to_epoll"] is not None for row in mine),
            f"{name} has no ratio to epoll in the guest",
        )
    for row in guest:
        # A row without a metric is a skip; a limit of the mechanism itself is a result.
        told = str(row["reason"] or "")
        lost = row["metric"] is None and not told.startswith("not applicable")
        expect(not lost, f"{row['mechanism']} {row['variant']} skipped in the guest: {told}")


def check_html(run_dir: Path) -> None:
    """Chromium renders it without a network and without a script error, at two widths."""
    html = (run_dir / "report.html").read_text()
    expect(not re.search(r"(src|href)=[\"']https?://", html), "report.html refers to the network")
    for width in (1280, 390):
        with tempfile.TemporaryDirectory() as profile:
            shot = Path(profile) / "page.png"
            words = [
                *CHROMIUM,
                f"--user-data-dir={profile}/user",
                f"--screenshot={shot}",
                f"--window-size={width},2000",
                (run_dir / "report.html").as_uri(),
            ]
            done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
            expect(shot.is_file(), f"no screenshot at {width} px\n{last_lines(done.stderr)}")
            expect(shot.stat().st_size > 30_000, f"the page at {width} px is blank")


def check_pdf(run_dir: Path) -> None:
    pdf = str(run_dir / "report.pdf")
    info = subprocess.run(["pdfinfo", pdf], capture_output=True, text=True, check=False)
    expect(info.returncode == 0, f"pdfinfo refuses report.pdf: {info.stderr.strip()}")
    pages = re.search(r"^Pages:\s+(\d+)", info.stdout, re.MULTILINE)
    expect(pages is not None and int(pages[1]) >= 5, "report.pdf has fewer than 5 pages")
    fonts = subprocess.run(["pdffonts", pdf], capture_output=True, text=True, check=True).stdout
    rows = fonts.splitlines()[2:]
    expect(bool(rows), "report.pdf names no font")
    embedded = [re.search(r"\s(yes|no)\s+(?:yes|no)\s+(?:yes|no)\s", row) for row in rows]
    expect(
        all(found is not None and found[1] == "yes" for found in embedded),
        "report.pdf has a font that is not embedded",
    )


def main_job(root: Path, environment: dict[str, str]) -> Outcome:
    outcome = Outcome()
    run_dir = root / "build" / "endtoend-run"
    shutil.rmtree(run_dir, ignore_errors=True)
    begun = time.monotonic()
    try:
        done = subprocess.run(
            ["./kevbench", "run", "--out", str(run_dir)],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * RUN_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        outcome.fail(f"main job: no end within {2 * RUN_LIMIT_S:.0f} s")
        return outcome
    seconds = time.monotonic() - begun
    checks: list[tuple[str, Callable[[], None]]] = [
        ("ends well and names both reports", lambda: check_exit_and_paths(done, run_dir)),
        (
            "a second run ends in 5 minutes",
            lambda: expect(seconds < RUN_LIMIT_S, f"took {seconds:.0f} s"),
        ),
        ("summary.json", lambda: check_summary(run_dir)),
        ("report.html in Chromium", lambda: check_html(run_dir)),
        ("report.pdf", lambda: check_pdf(run_dir)),
    ]
    for title, check in checks:
        try:
            check()
        except (Broken, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            outcome.fail(f"main job: {title}: {error}")
        else:
            outcome.passed += 1
    return outcome
