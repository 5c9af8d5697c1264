# SPDX-License-Identifier: MIT
"""What this build can measure here: the worker's `kvb.list` document, and choosing from it."""

from __future__ import annotations

import difflib
import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import tree
from harness.errors import UsageError
from harness.names import Variant, trigger_by_name
from harness.realserver.entry import entry as real_server

_LIST_DEADLINE_S = 30


@dataclass(frozen=True)
class Parameter:
    """One parameter of a workload; values are text, as in case keys."""

    name: str
    default: str
    minimum: int | None
    maximum: int | None
    choices: tuple[str, ...]

    def check(self, workload: str, value: str) -> None:
        """Raises UsageError naming the choices or the range."""
        if self.choices:
            if value not in self.choices:
                raise UsageError(
                    f"{self.name}={value} is not possible for {workload}: "
                    f"use one of {', '.join(self.choices)}"
                )
            return
        try:
            number = int(value)
        except ValueError:
            raise UsageError(f"{self.name}={value} is not a whole number") from None
        low, high = self.minimum, self.maximum
        if (low is not None and number < low) or (high is not None and number > high):
            raise UsageError(
                f"{self.name}={value} is out of range for {workload}: use {low} to {high}"
            )


@dataclass(frozen=True)
class Workload:
    """One workload."""

    name: str
    available: bool
    reason: str | None
    params: dict[str, Parameter]
    #: A timed pass gives latencies.
    timed: bool = False
    #: Why this machine itself does not run it; "" for all that it can run.
    guest_only: str = ""

    def complete(self, given: dict[str, str]) -> dict[str, str]:
        """All parameters, those not given at their defaults. Raises UsageError for a bad one."""
        for name, value in given.items():
            if name not in self.params:
                raise UsageError(
                    f"{self.name} has no parameter {name}: it has {', '.join(sorted(self.params))}"
                )
            self.params[name].check(self.name, value)
        return {name: given.get(name, item.default) for name, item in sorted(self.params.items())}


@dataclass(frozen=True)
class Catalogue:
    """Everything that can be named."""

    document: dict[str, Any]
    #: None = available here, else the reason why not.
    variants: dict[Variant, str | None] = field(default_factory=dict)
    workloads: dict[str, Workload] = field(default_factory=dict)
    triggers: dict[Variant, str] = field(default_factory=dict)
    #: Variants of loaded plug-ins.
    plugins: tuple[Variant, ...] = ()
    #: Variants whose consumers read until nothing is left.
    drains: frozenset[Variant] = frozenset()

    @classmethod
    def of(cls, document: dict[str, Any]) -> Catalogue:
        """From a `kvb.list` document. Raises UsageError when it is none."""
        try:
            if document["schema"] != "kvb.list":
                raise KeyError("schema")
            variants = {
                Variant(item["name"], item["variant"]): (
                    None if item["available"] else str(item["reason"])
                )
                for item in document["mechanisms"]
            }
            triggers = {
                Variant(item["name"], item["variant"]): _trigger(item)
                for item in document["mechanisms"]
            }
            plugins = tuple(
                Variant(item["name"], item["variant"])
                for item in document["mechanisms"]
                if item.get("plugin")
            )
            drains = frozenset(
                Variant(item["name"], item["variant"])
                for item in document["mechanisms"]
                if item.get("discipline") == "drain"
            )
            workloads = {item["name"]: _workload(item) for item in document["workloads"]}
        except (KeyError, TypeError) as problem:
            raise UsageError(f"the worker's list is not usable ({problem}): build again") from None
        return cls(document, variants, workloads, triggers, plugins, drains)

    def find_variants(self, text: str) -> list[Variant]:
        """The variants "epoll" (all of it) or "epoll+lt" (one) names; UsageError when none."""
        mechanism, _, variant = text.partition("+")
        known = [item for item in self.variants if item.mechanism == mechanism]
        if not known:
            names = sorted({item.mechanism for item in self.variants})
            raise UsageError(f"unknown mechanism {mechanism}{_hint(mechanism, names)}")
        if not variant:
            return known
        found = [item for item in known if item.variant == variant]
        if not found:
            names = [item.variant for item in known]
            raise UsageError(f"{mechanism} has no variant {variant}{_hint(variant, names)}")
        return found

    def find_workload(self, text: str) -> Workload:
        """The workload of that name; UsageError naming near ones."""
        if text not in self.workloads:
            raise UsageError(f"unknown workload {text}{_hint(text, sorted(self.workloads))}")
        return self.workloads[text]


def _hint(wrong: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(wrong, names, 1)
    known = f"known are {', '.join(names)}"
    return f": did you mean {near[0]}? ({known})" if near else f": {known}"


def _trigger(item: dict[str, Any]) -> str:
    """The trigger mode of a variant as far as ratios go.

    Completion and the null adapter have no counterpart among epoll's modes and are held against lt.
    """
    if {"completion", "synthetic"} & set(item.get("capabilities", ())):
        return "lt"
    stated = item.get("trigger")
    known = stated in ("lt", "et", "oneshot")
    return str(stated) if known else trigger_by_name(Variant(item["name"], item["variant"]))


def _workload(item: dict[str, Any]) -> Workload:
    params = {
        name: Parameter(
            name,
            str(one["default"]),
            one["min"],
            one["max"],
            tuple(one["choices"] or ()),
        )
        for name, one in item["params"].items()
    }
    return Workload(
        item["name"],
        bool(item["available"]),
        item["reason"],
        params,
        bool(item.get("timed")),
        str(item.get("guest_only", "")),
    )


def load(plugins: Iterable[Path] = (), ask: bool = False) -> Catalogue:
    """Asks the worker, and adds what is not its own: other people's servers, with `ask` whether they
    can be had. Raises UsageError when the worker does not answer, with its own words."""
    document = load_from(tree.worker(), plugins).document
    return Catalogue.of({**document, "workloads": [*document["workloads"], real_server(ask)]})


def load_from(worker: Path, plugins: Iterable[Path] = ()) -> Catalogue:
    """Asks a given worker, as load() does."""
    command = [str(worker), "list"]
    for plugin in plugins:
        command += ["--plugin", str(plugin)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_LIST_DEADLINE_S, check=False
        )
        if done.returncode == 0:
            return Catalogue.of(json.loads(done.stdout))
    except (OSError, subprocess.TimeoutExpired, ValueError) as problem:
        raise UsageError(f"kevbench-worker list failed ({problem}): build again") from None
    said = (done.stderr.strip() or "no message").splitlines()[-1]
    if said.startswith("kevbench-worker: plug-in "):
        raise UsageError(said.removeprefix("kevbench-worker: "))
    raise UsageError(f"kevbench-worker list failed: {said}")
