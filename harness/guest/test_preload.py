# SPDX-License-Identifier: MIT
"""Unmodified Debian web servers under the epoll preload library serve pages through kevent."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.guest.kernels import SERIES, ensure_kernel
from harness.guest.module import build_module, kmod_dir
from harness.guest.packages import unpacked
from harness.guest.run import run_in_guest
from harness.guest.spec import GuestSpec

pytestmark = pytest.mark.guest

_SERVERS = Path(__file__).parent / "testdata" / "servers"
_WRK = Path("/usr/bin/wrk")
_MIN_SHARE = 0.99
_MIN_EVENTS = 200


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("preload")
    command = ["make", "-s", "-C", str(kmod_dir() / "preload"), f"OUT={out}"]
    subprocess.run(command, check=True, timeout=120)
    return out / "libkevent-preload.so"


def _serve(series: str, library: Path, stop: str, command: Sequence[str], add: list[Path]) -> str:
    driver = _SERVERS / "serve.sh"
    result = run_in_guest(
        GuestSpec(
            command=[str(driver), str(library), str(_WRK), stop, *command],
            kernel=series,
            add=[library, _WRK, Path(command[0]), *add],
            module=build_module(ensure_kernel(series)),
            smp=2,
        )
    )
    output = result.stdout.decode("utf-8", "replace")
    assert result.status == 0, output + result.stderr.decode("utf-8", "replace") + result.reason
    return output


def _check(output: str) -> None:
    assert "server left with 0" in output, output
    assert "Socket errors" not in output, output
    assert "Non-2xx" not in output, output
    requests = [int(number) for number in re.findall(r"(\d+) requests in", output)]
    assert len(requests) == 2 and min(requests) > 0, output
    counts = re.findall(r"kevent-preload: (\d+) events by kevent, (\d+) by epoll", output)
    by_kevent = sum(int(kevent) for kevent, _ in counts)
    by_epoll = sum(int(epoll) for _, epoll in counts)
    assert by_kevent > _MIN_EVENTS, output
    assert by_kevent > _MIN_SHARE * (by_kevent + by_epoll), output
    assert "epoll serves" not in output, output


@pytest.mark.parametrize("series", SERIES)
def test_nginx_with_two_workers_serves_pages_through_kevent(series: str, library: Path) -> None:
    server = unpacked("nginx") / "usr/sbin/nginx"
    conf = _SERVERS / "nginx.conf"
    command = [str(server), "-p", "/tmp/site", "-c", str(conf)]
    _check(_serve(series, library, "QUIT", command, [conf]))


@pytest.mark.parametrize("series", SERIES)
def test_lighttpd_serves_pages_through_kevent(series: str, library: Path) -> None:
    files = unpacked("lighttpd")
    conf, modules = _SERVERS / "lighttpd.conf", files / "usr/lib/lighttpd"
    command = [str(files / "usr/sbin/lighttpd"), "-D", "-f", str(conf), "-m", str(modules)]
    _check(_serve(series, library, "INT", command, [conf, modules]))
