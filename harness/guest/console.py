# SPDX-License-Identifier: MIT
"""Reads what a guest's kernel says: defects in its log, taint bits, the end of its console."""

import re
from collections.abc import Iterable
from pathlib import Path

from harness.guest.spec import ALLOWED_TAINT

_TAIL_LINES = 40
_MAX_FAULTS = 20

# Each begins a report of the kernel about itself. Anchored, since the kernel also prints harmless
# lines that contain "WARNING" (advice on mitigations) or "BUG" (names of options).
_DEFECT = re.compile(
    r"""^(?:
        WARNING:\ (?:CPU:|possible|suspicious|inconsistent|bad\ unlock|held\ lock|chain)
      | BUG:\                   # includes KASAN, KCSAN, soft lockups, bad page state
      | kernel\ BUG\ at
      | Oops(?:\[|:|\ )
      | general\ protection\ fault
      | double\ fault
      | stack\ segment
      | divide\ error
      | invalid\ opcode
      | Kernel\ panic
      | Unable\ to\ handle\ kernel
      | UBSAN:
      | INFO:\ (?:task|rcu|trying\ to\ register|possible)
      | rcu:\ INFO:\ .*stall
      | watchdog:\ BUG
      | ODEBUG:
      | refcount_t:
      | list_(?:add|del)\ corruption
      | slab\ .*(?:error|corrupt)
      | kmemleak:\ \d+\ new
      | unreferenced\ object
      | DEBUG_LOCKS_WARN_ON
      | scheduling\ while\ atomic
    )""",
    re.VERBOSE,
)

_TAINTS = {
    0: "proprietary module",
    1: "module forced to load",
    2: "processor out of specification",
    3: "module forced to unload",
    4: "machine check",
    5: "bad page",
    6: "tainted by a program",
    7: "oops or BUG",
    8: "ACPI table overridden",
    9: "warning",
    10: "staging driver",
    11: "firmware workaround",
    12: "out-of-tree module",
    13: "unsigned module",
    14: "soft lockup",
    15: "live patched",
    16: "auxiliary",
    17: "structure layout randomised",
    18: "in-kernel test",
}


def defects(lines: Iterable[str]) -> list[str]:
    """The lines that begin a report of a kernel defect, each once, at most twenty."""
    found: dict[str, None] = {}
    for line in lines:
        text = strip_stamp(line)
        if _DEFECT.match(text):
            found[text] = None
    return list(found)[:_MAX_FAULTS]


def strip_stamp(line: str) -> str:
    """The line without the time and processor that the console puts before it."""
    return re.sub(r"^(?:\[\s*\d+\.\d+\](?:\[\s*[TC]\d+\])?\s)?", "", line.rstrip("\r\n"))


def kmsg_text(record: bytes) -> str:
    """The text of one record of /dev/kmsg ("priority,number,time,flags;text")."""
    text = record.decode("utf-8", "replace").partition(";")[2]
    return text.partition("\n")[0]


def kmsg_line(record: bytes) -> str:
    """The record as dmesg would print it, with its level before it."""
    head = record.decode("utf-8", "replace").partition(";")[0].split(",")
    try:
        level, micros = int(head[0]) & 7, int(head[2])
    except (IndexError, ValueError):
        return kmsg_text(record)
    return f"<{level}>[{micros / 1e6:12.6f}] {kmsg_text(record)}"


def taint_faults(taint: int, module_loaded: bool) -> list[str]:
    """One line for each taint bit that the run should not have set."""
    unexpected = taint & ~(ALLOWED_TAINT if module_loaded else 0)
    return [
        f"kernel tainted: {_TAINTS.get(bit, 'unknown')} (bit {bit})"
        for bit in range(unexpected.bit_length())
        if unexpected >> bit & 1
    ]


def read_console(path: Path) -> list[str]:
    """The lines of a console log; empty when the guest never wrote one."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []


def tail(lines: list[str]) -> list[str]:
    return lines[-_TAIL_LINES:]
