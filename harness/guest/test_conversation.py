# SPDX-License-Identifier: MIT
"""What a guest sends ends up where it belongs, and nowhere else."""

from pathlib import Path

import pytest

from harness.guest.conversation import Conversation, kernel_faults
from harness.guest.transport import Frame, ProtocolError, encode_frame


def _conversation(out_dir: Path | None = None) -> tuple[Conversation, list[bytes], list[bytes]]:
    out: list[bytes] = []
    err: list[bytes] = []
    return Conversation(out.append, err.append, out_dir), out, err


def test_output_status_and_end_are_told_apart() -> None:
    conversation, out, err = _conversation()
    assert not conversation.receive(encode_frame(Frame.READY, b"6.1.0-1\n0"))
    assert not conversation.receive(encode_frame(Frame.STDOUT, b"o") + encode_frame(Frame.STDERR))
    assert not conversation.receive(encode_frame(Frame.EXITED, b"3"))
    assert conversation.receive(encode_frame(Frame.TAINT, b"4096") + encode_frame(Frame.END))
    assert (out, err) == ([b"o"], [b""])
    assert (conversation.release, conversation.ending) == ("6.1.0-1", (Frame.EXITED, 3))
    assert conversation.taint == 4096


def test_file_in_pieces_is_put_together(tmp_path: Path) -> None:
    conversation, _, _ = _conversation(tmp_path / "new")
    stream = [
        encode_frame(Frame.FOLDER, b"sub"),
        encode_frame(Frame.FILE, b"750 5 sub/a file"),
        encode_frame(Frame.DATA, b"abc"),
        encode_frame(Frame.DATA, b"de"),
        encode_frame(Frame.FILE, b"644 0 empty"),
        encode_frame(Frame.LINK, b"sub/link\0a file"),
        encode_frame(Frame.END),
    ]
    assert conversation.receive(b"".join(stream))
    conversation.close()
    copy = tmp_path / "new" / "sub" / "a file"
    assert (copy.read_bytes(), copy.stat().st_mode & 0o777) == (b"abcde", 0o750)
    assert (tmp_path / "new" / "sub" / "link").read_bytes() == b"abcde"
    assert (tmp_path / "new" / "empty").read_bytes() == b""
    assert conversation.results == ["sub/a file", "empty"]


@pytest.mark.parametrize("name", [b"../out", b"/etc/out", b"a/../../out"])
def test_name_that_leaves_the_folder_is_refused(name: bytes, tmp_path: Path) -> None:
    conversation, _, _ = _conversation(tmp_path / "results")
    with pytest.raises(ProtocolError):
        conversation.receive(encode_frame(Frame.FILE, b"644 1 " + name))


def test_link_sent_by_the_guest_is_never_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "victim").write_bytes(b"mine")
    conversation, _, _ = _conversation(tmp_path / "results")
    (tmp_path / "results").mkdir()
    conversation.receive(encode_frame(Frame.LINK, b"way\0../outside"))
    with pytest.raises(ProtocolError):
        conversation.receive(encode_frame(Frame.FILE, b"644 1 way/file"))
    conversation.receive(encode_frame(Frame.LINK, b"file\0../victim"))
    conversation.receive(encode_frame(Frame.FILE, b"644 3 file") + encode_frame(Frame.DATA, b"new"))
    conversation.close()
    assert (tmp_path / "victim").read_bytes() == b"mine"


def test_file_longer_or_shorter_than_announced_is_refused(tmp_path: Path) -> None:
    long, _, _ = _conversation(tmp_path)
    with pytest.raises(ProtocolError, match="longer"):
        long.receive(encode_frame(Frame.FILE, b"644 1 a") + encode_frame(Frame.DATA, b"xy"))
    short, _, _ = _conversation(tmp_path)
    with pytest.raises(ProtocolError, match="middle"):
        short.receive(encode_frame(Frame.FILE, b"644 2 a") + encode_frame(Frame.END))


def test_faults_come_from_log_console_and_taint_each_once() -> None:
    conversation, _, _ = _conversation()
    record = b"4,100,5000000,-;WARNING: CPU: 0 PID: 1 at x.c:1 f+0x1/0x2\n SUBSYSTEM=x\n"
    conversation.receive(encode_frame(Frame.KMSG, record) + encode_frame(Frame.TAINT, b"12800"))
    lines = ["[    5.000000] WARNING: CPU: 0 PID: 1 at x.c:1 f+0x1/0x2"]
    assert kernel_faults(conversation, lines, module=True) == [
        "WARNING: CPU: 0 PID: 1 at x.c:1 f+0x1/0x2",
        "kernel tainted: warning (bit 9)",
    ]
