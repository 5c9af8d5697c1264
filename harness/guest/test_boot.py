# SPDX-License-Identifier: MIT
"""Real guests: what a command sees, what comes back, and how each way of ending is told."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.guest.kernels import SERIES
from harness.guest.paths import REPOSITORY
from harness.guest.run import run_in_guest
from harness.guest.spec import ALLOWED_TAINT, GuestSpec, Outcome

pytestmark = pytest.mark.guest

CompileC = Callable[[str, str], Path]
FaultModule = Callable[[str], Path]

_ECHO_ARGUMENTS = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
    char cwd[4096];
    fputs(getcwd(cwd, sizeof cwd), stdout);
    putchar(0);
    fputs(getenv("ODD"), stdout);
    putchar(0);
    for (int i = 0; i < argc; ++i) {
        fputs(argv[i], stdout);
        putchar(0);
    }
    return 0;
}
"""


def _command_line(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "harness.guest", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize("series", SERIES)
def test_command_line_passes_status_and_both_outputs_on(series: str) -> None:
    script = "uname -r; echo complaint >&2; exit 7"
    done = _command_line("exec", "--kernel", series, "--no-module", "--", "sh", "-c", script)
    assert done.returncode == 7
    assert done.stdout.decode().startswith(f"{series}.")
    assert b"complaint\n" in done.stderr
    assert b"complaint" not in done.stdout


def test_true_and_false_leave_with_their_own_status() -> None:
    assert run_in_guest(GuestSpec(["true"])).status == 0
    assert run_in_guest(GuestSpec(["false"])).status == 1


def test_signal_that_ends_the_command_is_told_as_a_shell_would() -> None:
    result = run_in_guest(GuestSpec(["sh", "-c", "kill -SEGV $$"]))
    assert result.outcome is Outcome.SIGNALED
    assert result.status == 128 + 11


def test_command_that_cannot_be_executed_leaves_with_126(tmp_path: Path) -> None:
    program = tmp_path / "not-really"
    program.write_bytes(b"\x7fNOT a program\n")
    program.chmod(0o755)
    result = run_in_guest(GuestSpec([str(program)]))
    assert result.status == 126
    assert str(program).encode() in result.stderr


def test_arguments_environment_and_folder_arrive_byte_for_byte(
    compile_c: CompileC, tmp_path: Path
) -> None:
    program = compile_c("echo arguments", _ECHO_ARGUMENTS)
    odd = ["", "two words", "new\nline", "'\"$HOME`id`\\*?", "--", "-x", os.fsdecode(b"\xff\x81")]
    folder = tmp_path / "a folder\nof two lines"
    spec = GuestSpec([str(program), *odd], environment={"ODD": "a=b 'c'\n\td"}, cwd=folder)
    result = run_in_guest(spec)
    assert result.status == 0
    parts = [os.fsdecode(part) for part in result.stdout.split(b"\0")[:-1]]
    assert parts == [str(folder), "a=b 'c'\n\td", str(program), *odd]


def test_standard_input_is_what_was_given_and_otherwise_empty() -> None:
    assert run_in_guest(GuestSpec(["cat"], stdin=b"one\0two\n")).stdout == b"one\0two\n"
    assert run_in_guest(GuestSpec(["cat"])).stdout == b""


@pytest.mark.parametrize("series", SERIES)
def test_result_files_come_back_byte_for_byte(series: str, tmp_path: Path) -> None:
    script = """
        set -e
        head -c 50000001 /dev/urandom > /results/big
        sha256sum < /results/big
        mkdir -p /results/folder/empty
        printf x > '/results/folder/a name with
lines'
        chmod 700 /results/folder/a*
        ln -s ../big /results/folder/link
        : > /results/none
    """
    result = run_in_guest(GuestSpec(["sh", "-c", script], kernel=series, out_dir=tmp_path))
    assert result.status == 0, result.stderr
    told = result.stdout.split()[0].decode()
    big = (tmp_path / "big").read_bytes()
    assert (len(big), hashlib.sha256(big).hexdigest()) == (50_000_001, told)
    odd = tmp_path / "folder" / "a name with\nlines"
    assert (odd.read_bytes(), odd.stat().st_mode & 0o777) == (b"x", 0o700)
    assert (tmp_path / "folder" / "empty").is_dir()
    assert os.readlink(tmp_path / "folder" / "link") == "../big"
    assert (tmp_path / "none").read_bytes() == b""
    assert sorted(result.results) == ["big", "folder/a name with\nlines", "none"]


def test_much_output_on_both_streams_arrives_complete() -> None:
    script = "yes out | head -c 3000000; yes err | head -c 2000001 >&2"
    result = run_in_guest(GuestSpec(["sh", "-c", script]))
    assert result.stdout == (b"out\n" * 750_000)
    assert result.stderr == (b"err\n" * 500_001)[:2_000_001]


def test_nothing_is_lost_when_the_launcher_reads_slowly(tmp_path: Path) -> None:
    script = "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero > /results/file"
    late = []

    def read_slowly(data: bytes) -> None:
        # Stays behind the guest until it has nothing more to say.
        late.append(hashlib.sha256(data * 100).digest())

    spec = GuestSpec(["sh", "-c", script], out_dir=tmp_path)
    result = run_in_guest(spec, stdout=read_slowly)
    assert (result.outcome, result.status) == (Outcome.EXITED, 0), result.reason
    assert (tmp_path / "file").stat().st_size == 3_000_000
    assert late


def test_process_left_behind_does_not_keep_the_guest_up() -> None:
    result = run_in_guest(GuestSpec(["sh", "-c", "(while :; do echo more; done) & echo first"]))
    assert result.status == 0
    assert b"first\n" in result.stdout


def test_added_file_and_folder_are_there_with_their_libraries(
    compile_c: CompileC, tmp_path: Path
) -> None:
    helper = compile_c(
        "helper", "#include <math.h>\nint main(int c, char **v)\n{(void)v;return c;}"
    )
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "file").write_text("inside\n")
    script = f"cat '{folder}/file'; '{helper}' a b"
    result = run_in_guest(GuestSpec(["sh", "-c", script], add=[folder, helper]))
    assert (result.stdout, result.status) == (b"inside\n", 3)


def test_guest_offers_loopback_many_descriptors_and_the_usual_file_systems() -> None:
    script = """
        test "$(ulimit -Hn)" -ge 1000000 && cat /proc/sys/net/core/somaxconn
        ping -c 1 -W 5 127.0.0.1 > /dev/null && echo loopback
        test -d /sys/kernel/debug/tracing -a -w /dev/shm -a -e /dev/pts/ptmx && echo mounted
    """
    result = run_in_guest(GuestSpec(["sh", "-c", script]))
    assert result.stdout.split() == [b"65535", b"loopback", b"mounted"], result.stderr


def test_scratch_disk_takes_direct_io() -> None:
    script = """
        grep ' /scratch ext4 ' /proc/mounts && cd /scratch &&
        dd if=/dev/zero of=file bs=4096 count=16 oflag=direct 2>&1
    """
    result = run_in_guest(GuestSpec(["sh", "-c", script], scratch_mib=16))
    assert result.status == 0, result.stdout


def test_deadline_ends_a_command_that_does_not() -> None:
    spec = GuestSpec(["sh", "-c", "echo started; exec sleep 1000"], deadline_s=30)
    result = run_in_guest(spec)
    assert (result.outcome, result.status) == (Outcome.DEADLINE, 124)
    assert result.stdout == b"started\n"
    assert "in the command" in result.reason
    assert result.wall_s < 40


def test_panic_is_recognised_and_its_console_kept() -> None:
    done = _command_line(
        "exec", "--no-module", "--", "sh", "-c", "echo c > /proc/sysrq-trigger; sleep 1000"
    )
    assert done.returncode == 125
    assert b"Kernel panic - not syncing: sysrq triggered crash" in done.stderr
    assert b"Call Trace" in done.stderr


@pytest.mark.parametrize("series", SERIES)
def test_module_built_from_fetched_headers_loads_with_the_taint_of_its_kind(
    series: str, fault_module: FaultModule
) -> None:
    command = ["cat", "/sys/module/guest_fault/parameters/number"]
    spec = GuestSpec(
        command, kernel=series, module=fault_module(series), module_params={"number": "42"}
    )
    result = run_in_guest(spec)
    assert (result.stdout, result.status) == (b"42\n", 0)
    assert (result.taint, result.faults) == (ALLOWED_TAINT, ())


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("act", ["warn", "oops"])
def test_defect_reported_by_the_kernel_fails_the_run_whatever_the_command_says(
    series: str, act: str, fault_module: FaultModule
) -> None:
    script = f"(echo {act} > /sys/module/guest_fault/parameters/act); exit 0"
    spec = GuestSpec(["sh", "-c", script], kernel=series, module=fault_module(series))
    result = run_in_guest(spec)
    assert (result.outcome, result.number, result.status) == (Outcome.EXITED, 0, 125)
    begin = {"warn": "WARNING: CPU:", "oops": "BUG: kernel NULL pointer"}[act]
    assert any(fault.startswith(begin) for fault in result.faults)
    assert any("tainted" in fault for fault in result.faults)


def test_module_with_an_unknown_parameter_value_is_a_fault_of_the_run(
    fault_module: FaultModule,
) -> None:
    spec = GuestSpec(["true"], module=fault_module("6.12"), module_params={"number": "many"})
    result = run_in_guest(spec)
    assert (result.outcome, result.status) == (Outcome.FAULT, 125)
    assert "cannot load /kvb/module.ko: Invalid argument" in result.reason
