# SPDX-License-Identifier: MIT
"""Applies settings and undoes them from what was found before.

Every old value is on disk before anything changes, and the first one known of a file is kept
however often settings are applied, so that undoing brings back what the owner had. A file that
states another boot, or for namespace settings another namespace, tells of values that are gone.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.environment.facts import chosen
from harness.errors import UsageError
from harness.tuning.settings import SETTINGS, Role, Scope, Setting

SCHEMA = "kvb.tuning"
DEFAULT_STATE = Path("/var/lib/kevbench/tune-before.json")


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """What was done about one file, or why nothing was."""

    name: str
    path: str
    state: str
    """changed, would change, kept, absent, left out, or refused."""
    old: str | None = None
    new: str | None = None
    reason: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What may be tuned on a host."""

    roles: frozenset[Role] = frozenset(Role)
    machine: bool = True
    """Whether changes may reach beyond the network namespace."""
    extra: frozenset[str] = frozenset()
    """Names of extra settings to apply as well."""
    dry_run: bool = False


def _current(path: Path) -> str:
    """As it would be written back; a list of choices by the chosen one."""
    return " ".join(chosen(path).split())


def _write(path: Path, value: str) -> None:
    # One write, without truncation, which some files of /sys refuse.
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)


def _identity(root: Path) -> dict[str, Any]:
    """What makes old values of this machine and namespace this one's."""
    boot = root / "proc/sys/kernel/random/boot_id"
    return {
        "boot": boot.read_text().strip() if boot.exists() else "",
        "namespace": os.stat("/proc/self/ns/net").st_ino,
    }


class Before:
    """The file of old values. Not for two processes at once."""

    def __init__(self, path: Path, root: Path) -> None:
        """Reads it. Raises UsageError when it is damaged."""
        self.path = path
        self._identity = _identity(root)
        self.entries: dict[str, dict[str, Any]] = {}
        self.exists = path.is_file()
        self.outdated = False
        if self.exists:
            self._read()

    def _read(self) -> None:
        try:
            document = json.loads(self.path.read_text())
            if document["schema"] != SCHEMA:
                raise ValueError("another schema")
            entries = {str(one["path"]): dict(one) for one in document["settings"]}
            boot, namespace = document["boot"], document["namespace"]
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise UsageError(
                f"{self.path} holds no old values that can be read ({problem}): put the settings "
                "back by hand, then remove it"
            ) from None
        same_boot = boot == self._identity["boot"]
        same_namespace = same_boot and namespace == self._identity["namespace"]
        self.entries = {
            name: one
            for name, one in entries.items()
            if (same_namespace if one["scope"] == Scope.NAMESPACE.value else same_boot)
        }
        self.outdated = len(self.entries) < len(entries)

    def save(self) -> None:
        """Writes it whole and to the disk, or raises UsageError and leaves it as it was."""
        document = {"schema": SCHEMA, **self._identity, "settings": list(self.entries.values())}
        draft = self.path.with_name(self.path.name + ".part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(draft, "w", encoding="utf-8") as output:
                json.dump(document, output, indent=1)
                output.flush()
                os.fsync(output.fileno())
            os.replace(draft, self.path)
        except OSError as problem:
            draft.unlink(missing_ok=True)
            raise UsageError(
                f"cannot keep the old values in {self.path} ({problem.strerror}), so nothing was "
                "changed: free space there, or name another --state"
            ) from None

    def remove(self) -> None:
        """All is as it was."""
        self.path.unlink(missing_ok=True)


def apply(
    request: Request,
    state: Path,
    settings: Iterable[Setting] = SETTINGS,
    root: Path = Path("/"),
) -> list[Step]:
    """Tunes what the request allows. Raises UsageError, with nothing changed, when old values cannot
    be kept."""
    before = Before(state, root)
    done: list[Step] = []
    changes: list[tuple[Setting, Path, str]] = []
    for setting in settings:
        if setting.roles.isdisjoint(request.roles):
            continue
        reason = _why_not(setting, request)
        if reason:
            done.append(Step(setting.name, "/" + setting.pattern, "left out", reason=reason))
            continue
        found = False
        for path in setting.paths(root):
            found = True
            try:
                old = _current(path)
            except OSError as problem:
                done.append(Step(setting.name, str(path), "refused", reason=str(problem.strerror)))
                continue
            if setting.satisfied(old):
                done.append(Step(setting.name, str(path), "kept", old, old))
            else:
                changes.append((setting, path, old))
        if not found:
            reason = "this kernel or machine has no such switch"
            done.append(Step(setting.name, "/" + setting.pattern, "absent", reason=reason))
    if request.dry_run:
        return done + [
            Step(one.name, str(path), "would change", old, one.value) for one, path, old in changes
        ]
    return done + _change(changes, before)


def _why_not(setting: Setting, request: Request) -> str:
    if setting.extra and setting.name not in request.extra:
        return f"only when asked for: --with '{setting.name}' ({setting.why})"
    if setting.scope is Scope.MACHINE and not request.machine:
        return "reaches beyond this host's network namespace"
    return ""


def _change(changes: list[tuple[Setting, Path, str]], before: Before) -> list[Step]:
    if not changes:
        return []
    for setting, path, old in changes:
        entry = {"name": setting.name, "path": str(path), "old": old, "new": setting.value}
        before.entries.setdefault(str(path), {**entry, "scope": setting.scope.value})
    before.save()
    done = []
    for setting, path, old in changes:
        try:
            _write(path, setting.value)
            done.append(Step(setting.name, str(path), "changed", old, setting.value, setting.why))
        except OSError as problem:
            reason = str(problem.strerror)
            done.append(Step(setting.name, str(path), "refused", old, setting.value, reason))
    return done


def undo(state: Path, root: Path = Path("/"), dry_run: bool = False) -> list[Step]:
    """Puts back every old value, last changed first. Those that are refused stay in the file."""
    before = Before(state, root)
    done = []
    for name, entry in reversed(list(before.entries.items())):
        step = _put_back(entry, dry_run)
        done.append(step)
        if step.state in ("changed", "kept", "absent") and not dry_run:
            del before.entries[name]
    if dry_run or not before.exists:
        return done
    if before.entries:
        before.save()
    else:
        before.remove()
    return done


def _put_back(entry: Mapping[str, Any], dry_run: bool) -> Step:
    name, path, old = str(entry["name"]), Path(entry["path"]), str(entry["old"])
    if not path.exists():
        return Step(name, str(path), "absent", reason="it is gone, and its value with it")
    try:
        current = _current(path)
        if current == old:
            return Step(name, str(path), "kept", current, old)
        if dry_run:
            return Step(name, str(path), "would change", current, old)
        _write(path, old)
    except OSError as problem:
        return Step(name, str(path), "refused", None, old, str(problem.strerror))
    other = current != entry["new"]
    return Step(
        name, str(path), "changed", current, old, "another hand had set it" if other else ""
    )
