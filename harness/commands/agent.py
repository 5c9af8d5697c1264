# SPDX-License-Identifier: MIT
"""`kevbench load agent` and `kevbench load stop`: a host's part in a sweep."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import tree
from harness.commands.parser import Subparsers, add_verb, print_json
from harness.errors import OK, UsageError
from harness.load import daemon
from harness.load.agent import Options
from harness.load.errors import LoadError

_AGENT = """\
  kevbench load agent --address 192.0.2.1 --token-file token --pid-file agent.pid --background
"""
_STOP = """\
  kevbench load stop --pid-file agent.pid
"""
_LONGEST_S = 7 * 86_400


def add(subparsers: Subparsers) -> None:
    """Mounts both verbs."""
    serve = add_verb(subparsers, "agent", "start servers and generators for sweeps", _AGENT)
    serve.add_argument(
        "--address", required=True, help="of this host on the network that carries the load"
    )
    serve.add_argument(
        "--port", type=int, default=0, help="to listen on; any free one unless given"
    )
    serve.add_argument(
        "--token-file", type=Path, required=True, metavar="FILE", help="what a sweep must know"
    )
    serve.add_argument("--pid-file", type=Path, metavar="FILE", help="for load stop")
    serve.add_argument(
        "--cpus", default="", metavar="LIST", help="processors to pin to, such as 2,3"
    )
    serve.add_argument(
        "--deadline", type=float, default=3600.0, metavar="S", help="end by then (%(default)s)"
    )
    serve.add_argument(
        "--background", action="store_true", help="return once it listens, and print where"
    )
    serve.add_argument("--log", type=Path, default=Path("agent.log"), help="with --background")
    serve.set_defaults(main=main_agent)
    end = add_verb(subparsers, "stop", "end an agent and all it started", _STOP)
    end.add_argument("--pid-file", type=Path, required=True, metavar="FILE")
    end.add_argument("--json", action="store_true", help="say whether one ran, as JSON")
    end.set_defaults(main=main_stop)


def read_token(path: Path) -> str:
    """The token of a file. Raises UsageError when it is absent or too short to keep others out."""
    try:
        token = path.read_text().strip()
    except OSError as problem:
        raise UsageError(f"cannot read {path}: {problem.strerror}") from None
    if len(token) < 16:
        raise UsageError(f"{path} holds no token of 16 characters or more: make a random one")
    return token


def _cpus(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(one) for one in text.split(",") if one.strip())
    except ValueError:
        raise UsageError(f"--cpus {text}: write processor numbers, such as 2,3") from None


def _options(args: argparse.Namespace) -> Options:
    if not 0 < args.deadline <= _LONGEST_S:
        raise UsageError(f"--deadline {args.deadline:g}: use 1 to {_LONGEST_S} seconds")
    if not 0 <= args.port <= 65_535:
        raise UsageError(f"--port {args.port} is out of range: use 1 to 65535, or leave it out")
    return Options(
        args.address,
        read_token(args.token_file),
        tree.worker(),
        args.port,
        _cpus(args.cpus),
        args.deadline,
    )


def main_agent(args: argparse.Namespace) -> int:
    """Serves, or starts what serves."""
    options = _options(args)
    try:
        if not args.background:
            daemon.serve(options, args.pid_file)
            return OK
        if args.pid_file is None:
            raise UsageError("--background needs --pid-file: nothing else could end the agent")
        daemon.refuse_second(args.pid_file)
        words = [
            *("--address", args.address, "--port", str(args.port)),
            *("--token-file", str(args.token_file.absolute())),
            *("--pid-file", str(args.pid_file.absolute())),
            *("--cpus", args.cpus, "--deadline", str(args.deadline)),
        ]
        print_json(daemon.start(words, args.log))
    except LoadError as problem:
        raise UsageError(str(problem)) from None
    return OK


def main_stop(args: argparse.Namespace) -> int:
    """Ends it; none running is no failure."""
    try:
        ran = daemon.stop(args.pid_file)
    except LoadError as problem:
        raise UsageError(str(problem)) from None
    if args.json:
        print_json({"schema": "kvb.agent", "stopped": ran})
    else:
        print("stopped" if ran else "none ran")
    return OK
