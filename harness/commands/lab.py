# SPDX-License-Identifier: MIT
"""`kevbench load hosts`, `load pack` and `load module`: what a playbook's controller prepares."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.commands.parser import Subparsers, add_verb, print_json
from harness.errors import OK, UsageError
from harness.guest.errors import GuestError
from harness.guest.kernels import SERIES, ensure_kernel
from harness.guest.module import build_module
from harness.load import namespaces
from harness.load.errors import LoadError
from harness.pack import pack

_HOSTS = """\
  kevbench load hosts up --stem kvb --clients 1
  kevbench load hosts down --stem kvb
"""
_MODULE = """\
  kevbench load module --release 6.12.43+deb12-cloud-amd64
"""
_PACK = """\
  kevbench load pack --out build/playbooks/tree.tar.gz
"""


def add(subparsers: Subparsers) -> None:
    """Mounts the verbs."""
    hosts = add_verb(
        subparsers, "hosts", "make a server's and clients' hosts of network namespaces", _HOSTS
    )
    hosts.add_argument("act_on_hosts", choices=("up", "down"), metavar="up|down")
    hosts.add_argument("--stem", default="kvb", help="of their names (%(default)s)")
    hosts.add_argument("--clients", type=int, default=1, metavar="N")
    hosts.set_defaults(main=main_hosts)
    module = add_verb(subparsers, "module", "build kevent.ko for another host's kernel", _MODULE)
    module.add_argument("--release", required=True, help="what uname -r says there")
    module.set_defaults(main=main_module)
    packer = add_verb(subparsers, "pack", "write the tree as one archive for another host", _PACK)
    packer.add_argument("--out", type=Path, required=True, metavar="FILE")
    packer.add_argument(
        "--programs", action="store_true", help="also what is built, for hosts without a compiler"
    )
    packer.set_defaults(main=main_pack)


def main_module(args: argparse.Namespace) -> int:
    """Builds what is out of date and says where the copy for that kernel is."""
    try:
        for series in SERIES:
            kernel = ensure_kernel(series)
            if kernel.release == args.release:
                built = build_module(kernel)
                print_json({"schema": "kvb.module", "release": kernel.release, "path": str(built)})
                return OK
    except GuestError as problem:
        raise UsageError(str(problem)) from None
    raise UsageError(
        f"no headers of kernel {args.release} here: build on the host (kmodule_build_on: target), "
        f"or give it one of the kernels {', '.join(SERIES)} of Debian 12"
    )


def main_hosts(args: argparse.Namespace) -> int:
    """Makes or removes them, and says whether that changed anything."""
    try:
        changed = _up(args.stem, args.clients) if args.act_on_hosts == "up" else _down(args.stem)
    except (LoadError, ValueError) as problem:
        raise UsageError(str(problem)) from None
    print_json({"schema": "kvb.hosts", "changed": changed, "hosts": namespaces.existing(args.stem)})
    return OK


def _up(stem: str, clients: int) -> bool:
    found = namespaces.existing(stem)
    if found == sorted([f"{stem}s", *(f"{stem}c{at}" for at in range(clients))]):
        return False
    if found:
        raise UsageError(
            f"other hosts of that name are there ({', '.join(found)}): "
            f"kevbench load hosts down --stem {stem}"
        )
    with namespaces.Hosts(clients, stem) as made:
        made.route()
        made.leave()
    return True


def _down(stem: str) -> bool:
    return bool(namespaces.remove_all(stem))


def main_pack(args: argparse.Namespace) -> int:
    """Writes it and says whether anything changed."""
    digest, changed = pack(args.out, args.programs)
    print_json({"schema": "kvb.pack", "changed": changed, "sha256": digest, "path": str(args.out)})
    return OK
