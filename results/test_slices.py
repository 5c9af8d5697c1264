# SPDX-License-Identifier: MIT
"""The summary of slices agrees with the records, and reading passes over what is not asked for."""

from __future__ import annotations

import gzip
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from results import slices
from results.errors import ResultsError
from results.reader import read
from results.testing import synthetic_run


def test_the_summary_says_what_the_records_say(tmp_path: Path) -> None:
    pytest.importorskip("_kevbench", reason="the module _kevbench is not built")
    run = synthetic_run(tmp_path / "run")
    found = {(one.case, one.side, one.phase): one for one in slices.summarise(run)}
    records = list(read(run).of("slice"))
    assert sum(one.slices + one.warmups for one in found.values()) == len(records)
    for (case, side, phase), one in found.items():
        mine = [
            record
            for record in records
            if (record["case_key"], record["side"], record["phase"]) == (case, side, phase)
            and not record["warmup"]
        ]
        assert one.slices == len(mine) and one.operations == sum(r["ops"] for r in mine)
        assert one.pairs == len({record["pair"] for record in mine})
        wall = statistics.median(record["wall_ns"] / record["ops"] for record in mine)
        assert one.wall_ns == pytest.approx(wall)
    assert len(slices.dump(run).splitlines()) == 1 + len(found)


def test_a_run_without_slices_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("_kevbench", reason="the module _kevbench is not built")
    run = synthetic_run(tmp_path / "run")
    path = run / "results.jsonl"
    kept = [line for line in path.read_text().splitlines() if '"record":"slice"' not in line]
    path.write_text("\n".join(kept) + "\n")
    with pytest.raises(ResultsError, match="no slices"):
        slices.summarise(run)


def test_kinds_that_are_not_asked_for_are_passed_over_and_nothing_else(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path / "run")
    whole, thin = read(run), read(run, without={"slice"})
    assert [one for one in whole.records if one["record"] != "slice"] == thin.records
    assert list(whole.of("slice"))


def test_a_packed_file_reads_the_same_and_a_cut_one_is_refused(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path / "run")
    packed = tmp_path / "results.jsonl.gz"
    packed.write_bytes(gzip.compress((run / "results.jsonl").read_bytes()))
    assert read(packed).records == read(run).records
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(ResultsError, match="damaged gzip"):
        read(packed)


def test_damage_is_found_in_a_line_that_is_kept(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path / "run")
    path = run / "results.jsonl"
    lines = path.read_text().splitlines()
    lines[3] = lines[3][:-5]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(ResultsError, match="damaged .line 4."):
        read(run)


_CHILD = """
import resource, sys, time
from pathlib import Path
from results import slices
found = slices.summarise(Path(sys.argv[1]))
used = resource.getrusage(resource.RUSAGE_SELF)
print(sum(one.slices + one.warmups for one in found), used.ru_maxrss, used.ru_utime + used.ru_stime)
"""


def test_a_million_slices_take_seconds_and_little_memory(tmp_path: Path) -> None:
    pytest.importorskip("_kevbench", reason="the module _kevbench is not built")
    if shutil.disk_usage(tmp_path).free < 3 << 30:
        pytest.skip("less than 3 GiB free for a file of a million slices")
    made = synthetic_run(tmp_path / "run")
    lines = (made / "results.jsonl").read_bytes().splitlines(keepends=True)
    own = [line for line in lines if b'"record":"slice"' in line]
    count = 1_000_000
    with open(tmp_path / "many.jsonl", "wb") as many:
        many.write(lines[0])
        # Checksums differ in every slice of a real run, so they do here.
        for block in range(-(-count // len(own))):
            texts = own[: count - block * len(own)]
            order = b'"order":"%d' % block
            many.writelines(line.replace(b'"order":"', order) for line in texts)
    words = [sys.executable, "-c", _CHILD, str(tmp_path / "many.jsonl")]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=_environment())
    slices_read, kilobytes, seconds = map(float, done.stdout.split())
    assert slices_read == count
    assert kilobytes < 500_000
    # CPU time, since others may have the processor; three times what is promised of a quiet machine.
    assert seconds < 30


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
