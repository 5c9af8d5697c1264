# SPDX-License-Identifier: MIT
"""Programs, folders and links of this machine are carried under the names they have here."""

import os
import stat
from pathlib import Path

import pytest

from harness.guest import cpio
from harness.guest.errors import GuestError
from harness.guest.payload import Payload, find_program, guest_memory_needed, script_interpreter


def test_link_is_carried_together_with_its_target(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(b"content")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "file")
    payload = Payload()
    payload.add(tmp_path / "link")
    entries = payload.entries()
    assert entries[str(tmp_path / "link")].data == os.fsencode(tmp_path / "folder" / "file")
    assert entries[str(tmp_path / "folder")].data == b"real"
    assert entries[str(tmp_path / "real" / "file")].source == tmp_path / "real" / "file"


def test_program_behind_a_linked_folder_brings_the_link() -> None:
    payload = Payload()
    payload.add_program(Path("/bin/true"))
    payload.add_libraries()
    entries = payload.entries()
    assert stat.S_ISREG(entries["/usr/bin/true"].mode)
    assert ("/bin" in entries) == os.path.islink("/bin")
    assert any(path.endswith("/libc.so.6") for path in entries)
    assert "/lib64" in entries


def test_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(GuestError, match="links form a loop"):
        Payload().add(tmp_path / "a")


def test_folder_brings_its_files_and_leaves_out_sockets_and_fifos(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir(mode=0o711)
    (tmp_path / "sub" / "file").write_bytes(b"x")
    (tmp_path / "sub" / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "sub" / "fifo")
    payload = Payload()
    payload.add(tmp_path / "sub")
    inside = {path for path in payload.entries() if path.startswith(f"{tmp_path}/sub/")}
    assert inside == {f"{tmp_path}/sub/file", f"{tmp_path}/sub/dangling"}
    assert stat.S_IMODE(payload.entries()[f"{tmp_path}/sub"].mode) == 0o711


def test_script_brings_its_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#! /usr/bin/env -S sh -e\n")
    assert script_interpreter(script) == Path("/usr/bin/env")
    payload = Payload()
    payload.add_program(script)
    assert "/usr/bin/env" in payload.entries()


def test_script_without_its_interpreter_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    with pytest.raises(GuestError, match="its interpreter /no/such/interpreter"):
        Payload().add_program(script)


def test_what_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(GuestError, match="cannot carry .*gone.*No such file"):
        Payload().add(tmp_path / "gone")


def test_payload_wins_over_what_is_made_up(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_bytes(b"mine")
    payload = Payload()
    payload.add(own)
    payload.put(str(own), cpio.regular(b"made up"))
    assert payload.entries()[str(own)].source == own


def test_programs_are_found_on_the_path_and_by_path(tmp_path: Path) -> None:
    program = tmp_path / "prog"
    program.write_bytes(b"")
    program.chmod(0o755)
    assert find_program("prog", search=str(tmp_path)) == program
    assert find_program(str(program)) == program
    with pytest.raises(GuestError, match="prog2 is not on the PATH"):
        find_program("prog2", search=str(tmp_path))
    program.chmod(0o644)
    with pytest.raises(GuestError, match="does not exist or is not executable"):
        find_program(str(program))


def test_memory_leaves_room_for_the_archive_and_its_copy() -> None:
    assert guest_memory_needed(0) <= 256
    assert guest_memory_needed(100 << 20) >= 2 * 100 + 128
