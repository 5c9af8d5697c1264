# SPDX-License-Identifier: MIT
"""`kevbench run`: measure and report."""

from __future__ import annotations

import argparse
import shutil
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness import catalogue, estimate, table
from harness.commands.parser import Subparsers, add_verb, print_json
from harness.commands.report import check_possible, draw
from harness.guestcells.part import part_seconds
from harness.guestcells.plan import GuestPlan, make_guest_plan, print_guest_plan
from harness.errors import FAILED, INCONCLUSIVE, INVALID, OK, UsageError
from harness.measure import Order, Outcome, Run, check_directory
from harness.plan import EXTERNAL, Plan, Request, Skip, descriptor_limit, make_plan
from harness.profiles import PROFILES
from harness.progress import Progress
from results import summary
from results.keys import FAILED_KIND, variant_name
from results.reader import RAW, read

_EXAMPLES = """\
  kevbench run
  kevbench run --dry-run
  kevbench run --mechanism epoll+lt --mechanism io_uring --workload idle_scan
  kevbench run --workload idle_scan --param registered=10 --param registered=10000
  kevbench run --mechanism epoll+lt --aa
  kevbench run --profile full --out results/runs/nightly
  kevbench run --where guest --kernel 6.1 --mechanism kevent --mechanism epoll
"""
KERNELS = ("6.1", "6.12")


def add(subparsers: Subparsers) -> None:
    """Mounts the verb."""
    parser = add_verb(subparsers, "run", "measure mechanisms on equal work and report", _EXAMPLES)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="quick")
    parser.add_argument(
        "--mechanism",
        action="append",
        default=[],
        metavar="M",
        help="a mechanism (epoll) or one variant (epoll+et); may be repeated",
    )
    parser.add_argument(
        "--workload", action="append", default=[], metavar="W", help="may be repeated"
    )
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="K=V",
        help="a parameter in place of the profile's; the same one again makes a sweep",
    )
    parser.add_argument(
        "--where",
        choices=("host", "guest", "both"),
        default="both",
        help="on this machine's kernel, in a guest where kevent.ko is loaded, or first one and "
        "then the other (both)",
    )
    parser.add_argument(
        "--kernel", choices=KERNELS, default="6.12", help="of the guest (%(default)s)"
    )
    parser.add_argument(
        "--module-param",
        action="append",
        default=[],
        metavar="K=V",
        help="of kevent.ko in the guest, such as index=avl; may be repeated",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="run directory; must not exist")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and its time")
    parser.add_argument(
        "--aa",
        action="store_true",
        help="enter every variant twice: what can this machine resolve?",
    )
    parser.add_argument(
        "--plugin",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="an adapter to load",
    )
    parser.add_argument(
        "--port", type=int, default=0, help="of the HTTP server; any free one unless given"
    )
    parser.add_argument("--seed", type=int, help="repeat the random order of an earlier run")
    parser.add_argument("--json", action="store_true", help="print the summary document")
    parser.set_defaults(main=main)


def _check_port(port: int) -> None:
    if not 0 <= port <= 65_535:
        raise UsageError(f"--port {port} is out of range: use 1 to 65535, or leave it out")
    if port == 0:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as problem:
            raise UsageError(
                f"port {port} cannot be used ({problem.strerror}): choose another or leave --port out"
            ) from None


def _check_tools(plan: Plan, asked: bool) -> Plan:
    """Without httperf its workload is skipped aloud, or refused when it was asked for by name."""
    if shutil.which("httperf") or not any(cell.workload == EXTERNAL for cell in plan.cells):
        return plan
    reason = "httperf is not installed: apt-get install httperf"
    if asked:
        raise UsageError(reason)
    cells = tuple(cell for cell in plan.cells if cell.workload != EXTERNAL)
    skip = Skip(EXTERNAL, {}, None, "unavailable", reason)
    return Plan(plan.profile, plan.purpose, cells, (*plan.skips, skip), plan.shown)


def print_plan(plan: Plan) -> None:
    """What would be measured, in order, with the time of each cell."""
    print(f"profile {plan.profile}: {len(plan.cells)} cells")
    for cell in plan.cells:
        parts = [f"{len(cell.sides)} variants"]
        parts += [f"{cell.protocol.pairs} processes x {cell.protocol.blocks} blocks"]
        parts += ["latency"] if cell.latency else []
        parts += ["instructions"] if cell.instructions else []
        seconds = estimate.duration_text(estimate.cell_seconds(cell))
        print(f"  {cell.title}: {', '.join(parts)}, about {seconds}")
    variants = sorted({side.label for cell in plan.cells for side in cell.sides})
    print(f"variants: {', '.join(variants)}")
    seen = {(skip.variant, skip.reason): skip for skip in plan.skips}
    for (variant, reason), skip in seen.items():
        name = variant.name if variant is not None else skip.workload or f"the {skip.where}"
        print(f"skipped: {name}: {reason}")
    seconds = estimate.duration_text(estimate.plan_seconds(plan))
    print(f"estimated time on this machine, with the report: {seconds}")


def _module_params(texts: Sequence[str]) -> dict[str, str]:
    """Parameters of the module, each given once. Raises UsageError."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name.isidentifier() or not equals or not value or " " in value or name in found:
            raise UsageError(f"--module-param {text}: write NAME=VALUE once a name, as index=avl")
        found[name] = value
    return found


def _plans(
    args: argparse.Namespace, request: Request, known: catalogue.Catalogue
) -> tuple[Plan, GuestPlan | None]:
    """What to measure here and in the guest. A control, and an adapter of the caller's own, are
    measured on this machine alone."""
    if args.aa and args.where == "guest":
        raise UsageError("--aa is a control of times on this machine: use --where host")
    guest = None
    if args.where != "host" and not args.aa:
        guest = make_guest_plan(request, known, args.kernel)
        guest = replace(guest, module_params=_module_params(args.module_param))
    elif args.module_param:
        raise UsageError("--module-param is for the guest's module: use --where guest or both")
    if args.where == "guest":
        return Plan(args.profile, "bench", (), ()), guest
    plan = make_plan(request, known, descriptor_limit())
    return _check_tools(plan, EXTERNAL in args.workload), guest


def main(args: argparse.Namespace) -> int:
    """Checks everything, then measures, then reports."""
    if not args.dry_run:
        check_directory(args.out)
        check_possible()
    _check_port(args.port)
    if args.seed is not None and args.seed < 0:
        raise UsageError(f"--seed {args.seed} is negative: use the seed of an earlier run's record")
    request = Request(
        args.profile,
        tuple(args.mechanism),
        tuple(args.workload),
        tuple(args.param),
        args.where,
        args.aa,
    )
    known = catalogue.load(args.plugin)
    plan, guest = _plans(args, request, known)
    if not plan.cells and guest is None:
        raise UsageError(f"nothing to measure: {plan.skips[0].reason}")
    seconds = estimate.plan_seconds(plan) + (0.0 if guest is None else part_seconds(guest))
    if args.dry_run:
        if plan.cells:
            print_plan(plan)
        if guest is not None:
            print_guest_plan(guest, estimate.duration_text(part_seconds(guest)))
        print(f"estimated time: {estimate.duration_text(seconds)}")
        return OK
    progress = Progress(seconds, quiet=args.json)
    order = Order(
        tuple(args.argv),
        args.out,
        tuple(args.plugin),
        args.seed,
        args.port,
        quiet=args.json,
        guest=guest,
    )
    outcome = Run(plan, order, progress).carry_out()
    return finish(outcome, args.json)


def finish(outcome: Outcome, as_json: bool) -> int:
    """Summary, report, table; the exit status says how far the figures can be trusted."""
    result = read(outcome.directory, without=RAW)
    document = summary.build(result)
    summary.write(document, outcome.directory)
    if as_json:
        print_json(document)
    else:
        print(table.render(result))
    paths = draw(outcome.directory)
    if not as_json:
        for path in paths:
            print(path)
    if outcome.faults:
        print(f"kevbench: {outcome.faults[0]}", file=sys.stderr)
        return INVALID
    for lost in result.of("skip", kind=FAILED_KIND):
        name = variant_name(lost["mechanism"] or "everything", lost["variant"] or "")
        what = f"{name} in {lost['workload'] or 'the ' + lost['where']}"
        print(f"kevbench: {what} failed and has no figures: {lost['reason']}", file=sys.stderr)
        return FAILED
    coarse = [one for one in outcome.controls if one["state"] != "equivalent"]
    if coarse:
        print(
            f"kevbench: A/A control not passed: {coarse[0]['metric']} {coarse[0]['reason']}; "
            "quieten the machine (kevbench doctor) and run again",
            file=sys.stderr,
        )
        return INCONCLUSIVE
    return INCONCLUSIVE if outcome.interrupted else OK
