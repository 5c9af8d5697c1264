# SPDX-License-Identifier: MIT
"""The `guest` command: its arguments, and what it prints.

The project's root command line mounts it with `add_guest_parser`; it runs alone as
`python3 -m harness.guest`. Exit status: 0 ok, 1 failed, 4 usage or environment error; `exec`
passes on the command's own status, or 124 when the deadline passed and 125 when the guest failed.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.guest import debug_record, status, suite
from harness.guest.choose import CHOICES, choose_kernel, is_debug
from harness.guest.errors import GuestError
from harness.guest.hosts import cli as hosts_cli
from harness.guest.kernels import DEFAULT_SERIES
from harness.guest.module import build_module
from harness.guest.paths import shown
from harness.guest.run import run_in_guest, tell_stderr
from harness.guest.spec import GuestResult, GuestSpec
from harness.guest.verbs import FAILED, OK, USAGE, Parser, Subparsers, add_verb

_INTERRUPTED = 130

_EXEC_EPILOG = """\
The command is a program of this machine; its shared libraries come along by themselves, what it
opens on its own accord (plug-ins, data, other programs) with --add. It starts in the current folder
with a small environment of its own. What it writes to /results comes back with --out.

exit status: that of the command, 128 + n when signal n ended it; 124 when the deadline passed; 125
when the guest's kernel panicked or reported a defect; 4 when there was no guest at all

examples:
  kevbench guest exec --no-module -- uname -r
  kevbench guest exec --kernel 6.1 --add /etc/services -- getent services http
  kevbench guest exec --add ./tests --out results -- ./tests/all --report /results/all.xml
  kevbench guest exec --icount --no-module -- ./build/count-instructions
"""
_TEST_EPILOG = """\
examples:
  kevbench guest test
  kevbench guest test --kernel 6.1
  kevbench guest test --kernel debug     # builds that kernel first: 12 minutes, 3 GB
"""
_GUEST_EPILOG = """\
examples:
  kevbench guest check
  kevbench guest test --kernel 6.1
  kevbench guest exec --no-module -- uname -r
  kevbench guest up --topology tap
"""
_STATUS_EPILOG = """\
examples:
  kevbench guest status
  kevbench guest status --json
"""
_CHECK_EPILOG = """\
examples:
  kevbench guest check
  kevbench guest check --json
"""


def add_guest_parser(subparsers: Subparsers) -> None:
    """Mounts `guest` with its verbs; `main` then runs what was parsed."""
    parser = subparsers.add_parser(
        "guest",
        help="run programs, module tests and hosts for playbooks in virtual machines",
        description="Runs programs, module tests and hosts for playbooks in virtual machines.",
        epilog=_GUEST_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_verbs(parser)


def add_verbs(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(
        dest="guest_verb", metavar="VERB", required=True, parser_class=Parser
    )
    _add_exec(verbs)
    test = add_verb(verbs, "test", "run the kernel module's tests in a guest", _TEST_EPILOG)
    _add_kernel(test)
    _add_module(test)
    hosts_cli.add_verbs(verbs)
    for name, text, epilog in (
        ("status", "show what is cached and how the last guests ended", _STATUS_EPILOG),
        ("check", "show whether guests can run here, without side effects", _CHECK_EPILOG),
    ):
        verb = add_verb(verbs, name, text, epilog)
        verb.add_argument("--json", action="store_true", help="print JSON for programs")
        if name == "status":
            hosts_cli.add_state(verb)


def _add_kernel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--kernel",
        choices=CHOICES,
        default=DEFAULT_SERIES,
        help="Debian kernel (%(default)s); debug: 6.12 built with KASAN, lockdep and the like",
    )


def _add_module(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--module", type=Path, metavar="PATH", help="load this kevent.ko instead of building it"
    )


def _add_exec(verbs: Subparsers) -> None:
    parser = add_verb(verbs, "exec", "run a program of this machine in a fresh guest", _EXEC_EPILOG)
    _add_kernel(parser)
    parser.add_argument(
        "--add",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="carry this file or folder too, at its own path (repeatable)",
    )
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="K=V",
        help="set a variable of the command's environment (repeatable)",
    )
    module = parser.add_mutually_exclusive_group()
    module.add_argument("--no-module", action="store_true", help="do not load kevent.ko")
    _add_module(module)
    parser.add_argument(
        "--module-param",
        action="append",
        default=[],
        metavar="K=V",
        help="parameter for kevent.ko (repeatable)",
    )
    parser.add_argument(
        "--icount",
        action="store_true",
        help="make the guest's clock count instructions, one ns each; output comes at the end",
    )
    parser.add_argument("--smp", type=int, default=1, metavar="N", help="processors (%(default)s)")
    parser.add_argument(
        "--memory", type=int, default=1024, metavar="MIB", help="memory in MiB (%(default)s)"
    )
    parser.add_argument(
        "--deadline",
        type=float,
        default=300.0,
        metavar="S",
        help="seconds for boot and command together (%(default)g)",
    )
    parser.add_argument(
        "--scratch", type=int, default=0, metavar="MIB", help="mount an ext4 disk on /scratch"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="copy what was written to /results into DIR"
    )
    parser.add_argument("command", nargs="+", metavar="CMD", help="the command, after --")


def main(args: argparse.Namespace) -> int:
    """Runs the verb that was parsed; returns the exit status. Errors are printed, one line each."""
    handlers: dict[str, Callable[[argparse.Namespace], int]] = {
        "exec": _exec,
        "test": _test,
        "status": _status,
        "check": _check,
        **hosts_cli.handlers(),
    }
    try:
        return handlers[args.guest_verb](args)
    except GuestError as error:
        tell_stderr(str(error))
        return USAGE
    except KeyboardInterrupt:
        tell_stderr("interrupted; the guest is gone")
        return _INTERRUPTED


def standalone(argv: Sequence[str]) -> int:
    """`python3 -m harness.guest`: the verbs without the root command around them."""
    parser = Parser(prog="kevbench guest", description="Small virtual machines for programs.")
    add_verbs(parser)
    return main(parser.parse_args(argv))


def _exec(args: argparse.Namespace) -> int:
    spec = GuestSpec(
        command=args.command,
        kernel=args.kernel,
        add=args.add,
        module=_module(args),
        module_params=pairs(args.module_param, "--module-param"),
        environment=pairs(args.env, "--env"),
        icount=args.icount,
        smp=args.smp,
        memory_mib=args.memory,
        deadline_s=args.deadline,
        scratch_mib=args.scratch,
        out_dir=args.out,
    )
    result = run_in_guest(spec, stdout=_writer(1), stderr=_writer(2))
    _explain(result)
    return result.status


def _module(args: argparse.Namespace) -> Path | None:
    if args.no_module:
        return None
    module: Path | None = args.module
    return module or build_module(choose_kernel(args.kernel, tell_stderr))


def pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """K=V texts as a mapping; raises GuestError for one without a name or an equals sign."""
    out: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise GuestError(f"{option} {text!r}: give it as NAME=VALUE")
        out[key] = value
    return out


def _writer(descriptor: int) -> Callable[[bytes], None]:
    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    return write


def _explain(result: GuestResult) -> None:
    """Says what went wrong with the guest, if anything did; the command speaks for itself."""
    if result.guest_sound:
        return
    if result.reason:
        tell_stderr(f"{result.outcome.value}: {result.reason}")
    for fault in result.faults:
        tell_stderr(f"the kernel reports: {fault}")
    tell_stderr(f"last {len(result.console_tail)} lines of the console:")
    for line in result.console_tail:
        print(f"    {line}", file=sys.stderr)
    tell_stderr(f"logs: {shown(result.state_dir)}")


def _test(args: argparse.Namespace) -> int:
    result = suite.run_suite(args.kernel, module=args.module, show=_writer(1))
    _explain(result.guest)
    for line in suite.summary_lines(result):
        print(line)
    if is_debug(args.kernel) and args.module is None and not result.failed:
        print(f"recorded in {shown(debug_record.write(result))}")
    return FAILED if result.failed else OK


def _status(args: argparse.Namespace) -> int:
    folder = args.state.absolute()
    if args.json:
        print(json.dumps(status.status_json(folder), indent=2))
    else:
        print("\n".join(status.status_lines(folder)))
    return OK


def _check(args: argparse.Namespace) -> int:
    findings = status.findings()
    if args.json:
        print(json.dumps(status.check_json(), indent=2))
    else:
        marks = {True: "ok  ", False: "FAIL", None: "-   "}
        for finding in findings:
            print(f"{marks[finding.ok]} {finding.name:20} {finding.text}")
    return USAGE if any(finding.ok is False for finding in findings) else OK
