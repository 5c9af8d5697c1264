# SPDX-License-Identifier: MIT
"""The stable identity of a case: workload/mechanism+variant/name=value/... (names sorted)."""

from __future__ import annotations

from collections.abc import Mapping

from results.errors import ResultsError

#: The `kind` of skip records that tell of a fault, where the others tell of a limit.
FAILED_KIND = "failed"


def variant_name(mechanism: str, variant: str) -> str:
    """How a variant is written: "epoll+lt"; a mechanism without variants is its bare name."""
    return f"{mechanism}+{variant}" if variant else mechanism


def case_key(workload: str, mechanism: str, variant: str, params: Mapping[str, str]) -> str:
    """The key of a case."""
    parts = [workload, variant_name(mechanism, variant)]
    parts += [f"{name}={params[name]}" for name in sorted(params)]
    return "/".join(parts)


def parse_case_key(key: str) -> tuple[str, str, str, dict[str, str]]:
    """Workload, mechanism, variant and parameters of a key; ResultsError for another text."""
    parts = key.split("/")
    if len(parts) < 2 or not all("=" in part for part in parts[2:]):
        raise ResultsError(f"{key!r} is not a case key: WORKLOAD/MECHANISM+VARIANT/NAME=VALUE/...")
    mechanism, _, variant = parts[1].partition("+")
    params = dict(part.split("=", 1) for part in parts[2:])
    return parts[0], mechanism, variant, params


def params_text(params: Mapping[str, str]) -> str:
    """Parameters for people: "registered=1000 source=eventfd"."""
    return " ".join(f"{name}={params[name]}" for name in sorted(params))
