# SPDX-License-Identifier: MIT
"""What a guest says arrives in pieces and may break off anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.guestcells.answers import AnswerStream

FIRST = {"id": "0:epoll+lt:0", "ok": True, "ops": 5}
SECOND = {"id": "0:poll+poll:0", "ok": False, "kind": "fault", "error": "was ended by signal 11"}
WIRE = b"".join(json.dumps(one).encode() + b"\n" for one in (FIRST, SECOND))


def test_answers_are_the_same_however_the_pieces_are_cut(tmp_path: Path) -> None:
    for size in (1, 7, len(WIRE)):
        heard: list[dict[str, Any]] = []
        path = tmp_path / f"answers-{size}"
        stream = AnswerStream(path, heard.append)
        for start in range(0, len(WIRE), size):
            stream.feed(WIRE[start : start + size])
        stream.close()
        assert heard == [FIRST, SECOND] and stream.torn == 0
        assert path.read_bytes() == WIRE


def test_an_answer_is_on_disk_before_it_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "answers"
    seen: list[bytes] = []
    stream = AnswerStream(path, lambda _: seen.append(path.read_bytes()))
    stream.feed(WIRE)
    stream.close()
    assert seen == [WIRE, WIRE]


def test_an_answer_that_broke_off_costs_only_itself(tmp_path: Path) -> None:
    heard: list[dict[str, Any]] = []
    stream = AnswerStream(tmp_path / "answers", heard.append)
    stream.feed(b'{"id": "0:epoll+lt:0", "ok": tr\n' + WIRE + b'{"id": "0:ep')
    stream.close()
    assert heard == [FIRST, SECOND] and stream.torn == 2


def test_what_is_no_answer_is_counted_and_dropped(tmp_path: Path) -> None:
    heard: list[dict[str, Any]] = []
    stream = AnswerStream(tmp_path / "answers", heard.append)
    stream.feed(b'\n[1]\n"words"\n{"ok": true}\n\xff\xfe\n')
    stream.close()
    assert not heard and stream.torn == 4
