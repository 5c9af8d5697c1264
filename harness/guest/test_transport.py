# SPDX-License-Identifier: MIT
"""Jobs and frames survive the way there and back, whatever bytes they hold."""

import os
from pathlib import Path

import pytest

from harness.guest.transport import (
    MAX_FRAME,
    Frame,
    FrameReader,
    Job,
    ProtocolError,
    decode_fields,
    encode_frame,
    encode_job,
)

_INIT = Path(__file__).parent / "init"


def test_arguments_and_environment_are_carried_as_they_are() -> None:
    odd = ["", " ", "a b", "new\nline", "$(id)", "'\"\\", os.fsdecode(b"\xff\x80"), "ü"]
    job = Job("/bin/prog", odd, "/a folder\n", {"K": "v=w\n", "EMPTY": ""})
    fields = decode_fields(encode_job(job))
    assert [os.fsdecode(data) for tag, data in fields if tag == b"A"] == odd
    assert [data for tag, data in fields if tag == b"E"] == [b"K=v=w\n", b"EMPTY="]
    assert (b"C", b"/a folder\n") in fields


def test_only_what_was_asked_for_is_in_the_job() -> None:
    plain = {tag for tag, _ in decode_fields(encode_job(Job("/p", ["p"], "/", {})))}
    assert plain == {b"P", b"C", b"A"}
    full = Job("/p", ["p"], "/", {}, ["/e"], ["/l"], "/m.ko", "a=1", "/in", True, True, True)
    assert {tag for tag, _ in decode_fields(encode_job(full))} == set(
        [b"P", b"C", b"A", b"m", b"l", b"M", b"p", b"I", b"B", b"V", b"D"]
    )


def test_nul_byte_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        encode_job(Job("/p", ["a\0b"], "/", {}))


def test_frames_are_cut_right_however_the_pieces_arrive() -> None:
    sent = [(Frame.STDOUT, b"x" * 5000), (Frame.READY, b""), (Frame.KMSG, bytes(range(256)))]
    data = b"".join(encode_frame(frame, payload) for frame, payload in sent)
    for size in (1, 2, 3, 7, 4096, len(data)):
        reader = FrameReader()
        got = [
            item for at in range(0, len(data), size) for item in reader.feed(data[at : at + size])
        ]
        assert got == sent
        assert not reader.incomplete()


def test_stream_that_stops_within_a_frame_is_incomplete() -> None:
    reader = FrameReader()
    assert not list(reader.feed(encode_frame(Frame.DATA, b"abc")[:-1]))
    assert reader.incomplete()


@pytest.mark.parametrize(
    "data", [b"q\0\0\0\0", b"O" + (MAX_FRAME + 1).to_bytes(4, "little")], ids=["tag", "size"]
)
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(FrameReader().feed(data))


def test_both_ends_agree_on_the_tags() -> None:
    header = (_INIT / "port.hpp").read_text()
    for frame in Frame:
        assert f"'{frame.value.decode()}'" in header, frame
