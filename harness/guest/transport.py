# SPDX-License-Identifier: MIT
"""The bytes that pass between this side and the guest's init (init/protocol.hpp is the other end).

To the guest goes one file in its image, the job: a row of fields, each a tag byte, a length and
that many bytes. Arguments and environment travel as they are and meet no shell. From the guest
comes a stream of frames of the same form over a virtio-serial port.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

JOB_PATH = "/kvb/job"
PORT_NAME = "kevbench.results"
RESULTS_DIR = "/results"
SCRATCH_DIR = "/scratch"
_HEADER = struct.Struct("<cI")
# The init sends at most 32 KiB at a time; more than this means the stream is out of step.
MAX_FRAME = 1 << 20


class Frame(Enum):
    """What a frame says; the values are the tag bytes."""

    READY = b"R"  # the command is about to start; payload: release, newline, taint
    STDOUT = b"O"
    STDERR = b"E"
    EXITED = b"X"  # payload: decimal exit status of the command
    SIGNALED = b"S"  # payload: decimal number of the signal that ended the command
    FOLDER = b"D"  # payload: path below the results folder
    FILE = b"F"  # payload: octal permissions, space, decimal size, space, path; content follows
    DATA = b"f"  # the next piece of that file
    LINK = b"L"  # payload: path, NUL, target
    KMSG = b"K"  # payload: one record of /dev/kmsg
    TAINT = b"T"  # payload: decimal taint after the command
    FAULT = b"!"  # payload: why the init could not do the job
    END = b"Z"  # everything was sent


class ProtocolError(Exception):
    """The guest sent what its init never would."""


@dataclass(frozen=True)
class Job:
    """What the guest's init has to do. Module paths are paths inside the guest."""

    program: str
    arguments: Sequence[str]
    cwd: str
    environment: Mapping[str, str]
    early_modules: Sequence[str] = ()
    late_modules: Sequence[str] = ()
    module: str | None = None
    module_params: str = ""
    stdin: str | None = None
    # Output is kept in memory until the command has ended, so that carrying it costs the
    # command's own time nothing.
    buffered: bool = False
    # Time is instructions: the init lets the kernel settle before it starts the command.
    virtual_time: bool = False
    scratch_disk: bool = False


def encode_job(job: Job) -> bytes:
    """The job file. Raises ValueError for a NUL byte, which no argument can carry."""
    fields: list[tuple[bytes, str]] = [(b"P", job.program), (b"C", job.cwd)]
    fields += [(b"A", argument) for argument in job.arguments]
    fields += [(b"E", f"{key}={value}") for key, value in job.environment.items()]
    fields += [(b"m", path) for path in job.early_modules]
    fields += [(b"l", path) for path in job.late_modules]
    if job.module is not None:
        fields += [(b"M", job.module), (b"p", job.module_params)]
    if job.stdin is not None:
        fields.append((b"I", job.stdin))
    if job.buffered:
        fields.append((b"B", ""))
    if job.virtual_time:
        fields.append((b"V", ""))
    if job.scratch_disk:
        fields.append((b"D", ""))
    return _encode_fields(fields)


def encode_probe(sentinel: str) -> bytes:
    """The job of an init that only prints `sentinel` on the console and powers off."""
    return _encode_fields([(b"?", sentinel)])


def _encode_fields(fields: Iterable[tuple[bytes, str]]) -> bytes:
    out = bytearray()
    for tag, text in fields:
        data = text.encode("utf-8", "surrogateescape")
        if b"\0" in data:
            raise ValueError("a NUL byte cannot be passed to a program")
        out += _HEADER.pack(tag, len(data)) + data
    return bytes(out)


def decode_fields(data: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a job file, in order."""
    fields: list[tuple[bytes, bytes]] = []
    at = 0
    while at < len(data):
        tag, size = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        fields.append((tag, data[at : at + size]))
        at += size
    return fields


def encode_frame(frame: Frame, payload: bytes = b"") -> bytes:
    return _HEADER.pack(frame.value, len(payload)) + payload


class FrameReader:
    """Cuts the guest's stream into frames, however the pieces arrive. One thread only."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Frame, bytes]]:
        """Yields the frames that `data` completes; raises ProtocolError when they make no sense."""
        self._pending += data
        while len(self._pending) >= _HEADER.size:
            tag, size = _HEADER.unpack_from(self._pending)
            if size > MAX_FRAME:
                raise ProtocolError(f"a frame of {size} bytes from the guest")
            end = _HEADER.size + size
            if len(self._pending) < end:
                return
            payload = bytes(self._pending[_HEADER.size : end])
            del self._pending[:end]
            try:
                yield Frame(tag), payload
            except ValueError:
                raise ProtocolError(f"unknown frame {tag!r} from the guest") from None

    def incomplete(self) -> bool:
        """Whether the stream stopped in the middle of a frame."""
        return bool(self._pending)
