# SPDX-License-Identifier: MIT
"""Writing and reading result files, and the synthetic run that other tests build on."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from results import summary, validate
from results.errors import ResultsError
from results.identity import derived_seed, is_run_id, new_run_id
from results.keys import case_key, parse_case_key
from results.reader import read
from results.testing import synthetic_run
from results.version import migrate
from results.writer import ResultWriter, encode


def test_every_synthetic_record_and_the_summary_follow_the_schema(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path / "run")
    result = read(run)
    assert validate.check_records(result.records) > 500
    document = json.loads((run / "summary.json").read_text())
    validate.check("summary", document)
    assert {record["record"] for record in result.records} == {
        "run",
        "env",
        "case",
        "slice",
        "hist",
        "count",
        "metric",
        "verdict",
        "skip",
        "end",
    }
    assert document["floor"] == {"instr_per_event": 31.0, "percent_of_cheapest_event": 1.3}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second, other = (
        (synthetic_run(tmp_path / name, seed) / "results.jsonl").read_bytes()
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == second != other


def test_the_schema_refuses_a_slice_without_its_work_counts(tmp_path: Path) -> None:
    record = next(read(synthetic_run(tmp_path / "run")).of("slice"))
    del record["messages"]
    with pytest.raises(ResultsError, match="messages"):
        validate.check_records([record])


def test_a_torn_last_line_is_dropped_and_reported(tmp_path: Path) -> None:
    path = synthetic_run(tmp_path / "run") / "results.jsonl"
    whole = path.read_bytes()
    count = len(read(path).records)
    for cut in (1, 7, 40):
        path.write_bytes(whole[:-cut])
        result = read(path)
        assert len(result.records) == count - 1
        assert result.torn is not None and result.end is None
        assert summary.build(result)["rows"]


def test_gzip_is_read_as_plain_text_is(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path / "run")
    plain = read(run).records
    data = (run / "results.jsonl").read_bytes()
    (run / "results.jsonl").unlink()
    (run / "results.jsonl.gz").write_bytes(gzip.compress(data))
    assert read(run).records == plain


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\x7fELF\x02\x01\n more\n", "not a Kevbench result file"),
        (b'{"schema":"other"}\n', "not a Kevbench result file"),
        (b"[1,2]\n[3]\n", "not a Kevbench result file"),
        (b"\x1f\x8b damaged", "damaged gzip"),
        (
            b'{"schema":"kvb.result","schema_version":"2.0","record":"run","run_id":"X"}\n',
            "newer Kevbench",
        ),
        (
            b'{"schema":"kvb.result","schema_version":"x","record":"run","run_id":"X"}\n',
            "MAJOR.MINOR",
        ),
        (
            b'{"schema":"kvb.result","schema_version":"1.0","record":"env","run_id":"X"}\n',
            "does not begin with a run record",
        ),
    ],
)
def test_unusable_files_are_refused_in_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "results.jsonl"
    path.write_bytes(content)
    with pytest.raises(ResultsError, match=says) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_damage_in_the_middle_is_not_taken_for_a_torn_end(tmp_path: Path) -> None:
    path = synthetic_run(tmp_path / "run") / "results.jsonl"
    lines = path.read_bytes().split(b"\n")
    for bad in (b"{", b'{"schema":"kvb.result","value":NaN}', b'{"value":1e999}'):
        lines[3] = bad
        path.write_bytes(b"\n".join(lines))
        with pytest.raises(ResultsError, match="damaged \\(line 4\\)"):
            read(path)


def test_missing_files_and_folders_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="does not exist: give a run directory"):
        read(tmp_path / "nowhere")
    with pytest.raises(ResultsError, match="holds no results.jsonl"):
        read(tmp_path)


def test_two_runs_in_one_file_are_refused(tmp_path: Path) -> None:
    first = synthetic_run(tmp_path / "a", 1) / "results.jsonl"
    second = synthetic_run(tmp_path / "b", 2) / "results.jsonl"
    first.write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.raises(ResultsError, match="mixes two runs"):
        read(first)


def test_numbers_that_are_not_finite_become_null_with_a_reason() -> None:
    line = json.loads(
        encode("metric", new_run_id(), {"value": float("nan"), "lo": float("inf"), "reason": None})
    )
    assert line["value"] is None and line["lo"] is None
    assert line["not_finite"] == ["lo", "value"]
    assert "not a finite number" in line["reason"]


def test_whole_numbers_keep_64_bits_and_larger_ones_are_refused() -> None:
    line = json.loads(encode("end", new_run_id(), {"value": (1 << 64) - 1}))
    assert line["value"] == (1 << 64) - 1
    with pytest.raises(ResultsError, match="64 bit"):
        encode("end", new_run_id(), {"value": 1 << 64})


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text("precious")
    with pytest.raises(ResultsError, match="never overwritten"):
        ResultWriter(path, new_run_id())
    assert path.read_text() == "precious"


def test_records_survive_kill_9_of_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from results.writer import ResultWriter\n"
        "writer = ResultWriter(Path(sys.argv[1]), '0' * 26)\n"
        "for number in range(100):\n"
        "    writer.append('run', {'number': number})\n"
        "os.kill(os.getpid(), 9)\n"
    )
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run([sys.executable, "-c", program, str(path)], cwd=root, check=False)
    assert done.returncode == -9
    assert [record["number"] for record in read(path).records] == list(range(100))


def test_an_older_major_is_brought_up_by_its_migration() -> None:
    old = {"schema_version": "1.4", "colour": "red"}
    steps = {1: lambda record: {**record, "schema_version": "2.0", "color": record.pop("colour")}}
    assert migrate(dict(old), "2.0", steps)["color"] == "red"
    with pytest.raises(ResultsError, match="no longer readable"):
        migrate(dict(old), "2.0", {})


def test_an_unknown_field_of_a_newer_minor_version_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    line = json.loads(encode("run", new_run_id(), {}))
    line.update({"schema_version": "1.7", "later": 1})
    path.write_text(json.dumps(line) + "\n")
    assert read(path).run["later"] == 1


def test_skips_and_ok_rows_reach_the_summary(tmp_path: Path) -> None:
    rows = json.loads((synthetic_run(tmp_path / "run") / "summary.json").read_text())["rows"]
    skipped = [row for row in rows if row["status"] == "skipped"]
    assert {row["mechanism"] for row in skipped} == {"kevent"}
    assert all(row["reason"] for row in skipped)
    assert all(row["value"] is not None for row in rows if row["status"] == "ok")
    assert not {row["metric"] for row in rows} & {"cpu_sys_ns_per_event", "setup_ns_per_watch"}


def test_an_unwritable_folder_is_reported_before_anything_exists(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="cannot create"):
        ResultWriter(tmp_path / "absent" / "results.jsonl", new_run_id())
    assert os.listdir(tmp_path) == []


def test_run_ids_sort_by_time_and_seeds_depend_on_every_part() -> None:
    early, late = new_run_id(1_000), new_run_id(2_000)
    assert early < late and is_run_id(early) and not is_run_id("x")
    assert derived_seed("a", 1) == derived_seed("a", 1) != derived_seed("a", 2)


def test_case_keys_round_trip() -> None:
    key = case_key("idle_scan", "io_uring", "completion+defer", {"source": "tcp", "active": "1"})
    assert key == "idle_scan/io_uring+completion+defer/active=1/source=tcp"
    assert parse_case_key(key)[2] == "completion+defer"
    with pytest.raises(ResultsError, match="not a case key"):
        parse_case_key("idle_scan")
