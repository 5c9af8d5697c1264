# SPDX-License-Identifier: MIT
"""The verbs of longer-lived hosts: up, down, ssh, logs. Exit status as in the `guest` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from harness.guest.errors import GuestError
from harness.guest.hosts import launch, ssh, state
from harness.guest.hosts.topology import CHOICES, MOST_HOSTS, parse_topology
from harness.guest.kernels import DEFAULT_SERIES, SERIES
from harness.guest.paths import shown
from harness.guest.run import tell_stderr as tell
from harness.guest.verbs import FAILED, OK, USAGE, Subparsers, add_verb

_UP_EPILOG = """\
topologies:
  tap   (T4)  a guest as server; the generators are namespaces of this machine, on taps
  pair  (T3)  a guest as server, guests as generators, each on a private link
  one   (T1)  guests that generate their own load over loopback
  netns (T0)  namespaces of this machine's kernel: no guest, no kernel module

The first `up` builds the guests' Debian image: a minute, 80 MB from the archive, root. A guest and
a namespace end with `down`, and by themselves when the lifetime is over.

exit status: 0 every host answers; 1 a guest did not come up; 4 something is missing

examples:
  kevbench guest up --topology tap
  kevbench guest up --topology pair --kernel 6.1 --hosts 3 --lifetime 7200
  kevbench guest up --topology one --no-restrict     # the guest may reach the network
"""
_DOWN_EPILOG = """\
examples:
  kevbench guest down
  kevbench guest down --purge      # also logs and the image
"""
_SSH_EPILOG = """\
examples:
  kevbench guest ssh srv1
  kevbench guest ssh srv1 -- uname -a
"""
_LOGS_EPILOG = """\
examples:
  kevbench guest logs srv1
"""


def add_verbs(verbs: Subparsers) -> None:
    """Adds the verbs of this file to those of `guest`."""
    _add_up(verbs)
    down = add_verb(verbs, "down", "end the hosts that are up", _DOWN_EPILOG)
    down.add_argument("--purge", action="store_true", help="remove logs, state and image too")
    shell = add_verb(verbs, "ssh", "open a shell on a host, or run a command there", _SSH_EPILOG)
    shell.add_argument("host", metavar="HOST", help="its name; 'guest status' shows them")
    shell.add_argument("command", nargs="*", metavar="CMD", help="the command, after --")
    logs = add_verb(verbs, "logs", "print a guest's console", _LOGS_EPILOG)
    logs.add_argument("host", metavar="HOST", help="its name; 'guest status' shows them")
    for parser in (down, shell, logs):
        add_state(parser)


def add_state(parser: argparse.ArgumentParser) -> None:
    """Which hosts are meant."""
    parser.add_argument(
        "--state",
        type=Path,
        default=state.default_dir(),
        metavar="DIR",
        help="folder of these hosts, for several at once (default: build/guest/hosts)",
    )


def _add_up(verbs: Subparsers) -> None:
    up = add_verb(verbs, "up", "bring up hosts for playbooks", _UP_EPILOG)
    up.add_argument("--topology", choices=CHOICES, required=True, help="how hosts are joined")
    up.add_argument("--kernel", choices=SERIES, default=DEFAULT_SERIES, help="(%(default)s)")
    up.add_argument(
        "--hosts", type=int, metavar="N", help=f"in all, one of them the server (to {MOST_HOSTS})"
    )
    up.add_argument(
        "--accel",
        choices=("auto", "kvm", "tcg"),
        default="auto",
        help="auto: KVM where a guest has booted on it (%(default)s)",
    )
    up.add_argument(
        "--mem", type=int, default=1024, metavar="MIB", help="memory of a guest (%(default)s)"
    )
    up.add_argument(
        "--smp", type=int, default=1, metavar="N", help="processors of a guest (%(default)s)"
    )
    up.add_argument(
        "--restrict",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep guests from reaching any network but their cables",
    )
    up.add_argument(
        "--lifetime",
        type=float,
        default=3600.0,
        metavar="S",
        help="seconds after which everything ends by itself (%(default)g)",
    )
    up.add_argument(
        "--inventory",
        type=Path,
        metavar="FILE",
        help="write the inventory here (default: playbooks/inventories/vm/hosts.yml)",
    )
    add_state(up)


def handlers() -> dict[str, Callable[[argparse.Namespace], int]]:
    """What each verb of this file does."""
    return {"up": _up, "down": _down, "ssh": _ssh, "logs": _logs}


def _up(args: argparse.Namespace) -> int:
    request = launch.Request(
        topology=parse_topology(args.topology),
        folder=args.state.absolute(),
        series=args.kernel,
        hosts=args.hosts,
        accel=args.accel,
        memory_mib=args.mem,
        smp=args.smp,
        restrict=args.restrict,
        lifetime_s=args.lifetime,
        inventory=args.inventory,
    )
    try:
        up = launch.up(request, tell)
    except launch.NotUp as trouble:
        tell(str(trouble))
        tell(f"last {len(trouble.console)} lines of the console:")
        for line in trouble.console:
            print(f"    {line}", file=sys.stderr)
        tell(f"logs: {shown(request.folder)}")
        return FAILED
    print(Path(up.plan.inventory).read_text(encoding="utf-8"), end="")
    tell(f"inventory: {shown(Path(up.plan.inventory))}")
    return OK


def _down(args: argparse.Namespace) -> int:
    was_up = launch.down(args.state.absolute(), args.purge)
    tell("the hosts are down" if was_up else "nothing was up")
    return OK


def _ssh(args: argparse.Namespace) -> int:
    folder = args.state.absolute()
    up = _running(folder)
    host = up.plan.layout.host(args.host)
    if host.kind == "netns":
        shell = args.command or [os.environ.get("SHELL", "/bin/sh")]
        words = ["ip", "netns", "exec", up.namespaces[host.name], *shell]
    else:
        words = ssh.command(folder, up.guests[host.name].port, args.command)
    try:
        os.execvp(words[0], words)
    except OSError as error:
        raise GuestError(f"{words[0]}: {error.strerror}") from None


def _running(folder: Path) -> state.State:
    up = state.read_state(folder)
    if up is None or not up.running():
        raise GuestError("no hosts are up; 'kevbench guest up --topology tap' brings some up")
    return up


def _logs(args: argparse.Namespace) -> int:
    log = state.console(args.state.absolute(), args.host)
    try:
        print(log.read_text(encoding="utf-8", errors="replace"), end="")
    except FileNotFoundError:
        tell(f"no guest {args.host!r} has been up here")
        return USAGE
    return OK
