# SPDX-License-Identifier: MIT
"""A guest is up when sshd speaks, and given up at once when it never will."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.guest.hosts import wait

_LIMIT_S = 60.0


@contextmanager
def _server(answers: list[bytes]) -> Iterator[tuple[int, threading.Event]]:
    """Answers each connection with the next text and hangs up; the last text is for all others."""
    ended, silent = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)

        def serve() -> None:
            served = 0
            while not ended.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.sendall(answers[min(served, len(answers) - 1)])
                served += 1
                if served == len(answers) - 1:
                    silent.set()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], silent
        finally:
            ended.set()
            thread.join(_LIMIT_S)


def test_connection_without_a_word_is_no_guest(tmp_path: Path) -> None:
    with _server([b"", b"", b"SSH-2.0-x\r\n"]) as (port, silent):
        assert not wait.banner(port)
        wait.wait_for_banner(port, lambda: True, tmp_path / "console", _LIMIT_S)
        assert silent.is_set()


def test_other_server_is_no_guest() -> None:
    with _server([b"HTTP/1.1 400 Bad Request\r\n"]) as (port, _):
        assert not wait.banner(port)


def test_panic_ends_the_wait_at_once(tmp_path: Path) -> None:
    log = tmp_path / "console"
    log.write_text("[    1.000000] Kernel panic - not syncing: No working init found.\n")
    with _server([b""]) as (port, _):
        with pytest.raises(wait.Never, match="No working init"):
            wait.wait_for_banner(port, lambda: True, log, 3600.0)


def test_end_of_the_machine_ends_the_wait_at_once(tmp_path: Path) -> None:
    with _server([b""]) as (port, _):
        with pytest.raises(wait.Never, match="QEMU has ended"):
            wait.wait_for_banner(port, lambda: False, tmp_path / "console", 3600.0)


def test_silent_guest_is_given_up_when_the_time_is_over(tmp_path: Path) -> None:
    with _server([b""]) as (port, _):
        with pytest.raises(wait.Never, match="no ssh within 0 s"):
            wait.wait_for_banner(port, lambda: True, tmp_path / "console", 0.0)
