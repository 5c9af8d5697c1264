# SPDX-License-Identifier: MIT
"""The env record: complete, explained, hashed, comparable."""

from __future__ import annotations

import copy
import os

from harness.environment import collect
from harness.environment.facts import Facts, Unknown, output
from results import validate
from results.identity import new_run_id
from results.version import SCHEMA, SCHEMA_VERSION


def _missing(tree: object, path: str = "") -> list[str]:
    """Dotted paths of all nulls that facts themselves hold."""
    if tree is None:
        return [path]
    if isinstance(tree, dict):
        return [
            p for key, item in tree.items() for p in _missing(item, f"{path}.{key}".lstrip("."))
        ]
    return []


def test_every_fact_is_known_or_has_its_reason() -> None:
    record = collect.collect()
    assert set(_missing(record["facts"])) == set(record["reasons"])
    assert record["kernel"] == os.uname().release and record["accel"] == "none"
    for path in ("cpu.model", "cpu.mitigations", "clock.source", "limits.nofile", "git.commit"):
        assert collect.lookup(record["facts"], path) is not None
    whole = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "record": "env",
        "run_id": new_run_id(),
        **record,
    }
    validate.check("result", whole)


def test_the_host_name_is_hashed_unless_asked_for() -> None:
    hidden = collect.lookup(collect.collect()["facts"], "machine.host")
    shown = collect.lookup(collect.collect(reveal_host=True)["facts"], "machine.host")
    assert shown == os.uname().nodename and hidden != shown and len(hidden) == 16


def test_the_fingerprint_follows_comparable_facts_only() -> None:
    facts = collect.collect()["facts"]
    busy = copy.deepcopy(facts)
    busy["load"]["average"] = [99.0, 99.0, 99.0]
    assert collect.fingerprint(facts) == collect.fingerprint(busy)
    other = copy.deepcopy(facts)
    other["kernel"]["release"] = "2.6.18"
    assert collect.fingerprint(facts) != collect.fingerprint(other)
    assert len(collect.differences(facts, other)) == 1
    assert "2.6.18" in collect.differences(facts, other)[0]


def test_a_fact_that_fails_is_null_with_its_reason() -> None:
    facts = Facts()

    def unknown() -> str:
        raise Unknown("no such thing here")

    facts.put("a.b", unknown)
    facts.put("a.c", lambda: open("/nonexistent").read())
    facts.put("a.d", lambda: int("x"))
    facts.put("a.e", lambda: 5)
    assert facts.tree == {"a": {"b": None, "c": None, "d": None, "e": 5}}
    assert facts.reasons["a.b"] == "no such thing here"
    assert "/nonexistent" in facts.reasons["a.c"] and "a.e" not in facts.reasons


def test_a_missing_or_failing_command_says_so() -> None:
    facts = Facts()
    facts.put("absent", lambda: output(["kevbench-no-such-command"]))
    facts.put("failing", lambda: output(["false"]))
    assert facts.reasons == {
        "absent": "kevbench-no-such-command is not installed",
        "failing": "false failed with status 1: no message",
    }
