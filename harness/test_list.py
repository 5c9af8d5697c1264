# SPDX-License-Identifier: MIT
"""`kevbench list` with the built worker: the names that other programs rely on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from harness import tree
from results import validate

#: Must run on every host, so a reason why not fails here.
VARIANTS = {
    "null": ["null"],
    "select": ["select", "pselect", "bigset"],
    "poll": ["poll", "ppoll"],
    "epoll": ["lt", "et", "et-once", "oneshot", "exclusive", "pwait2"],
    "io_uring": [
        kind + extra
        for kind in ("poll", "multishot", "completion")
        for extra in ("", "+defer", "+fixed", "+sqpoll")
    ],
}
#: Run in a guest; a host's list shows them with the reason.
GUEST_VARIANTS = [
    way + mode
    for way in ("get", "ring", "mapped", "mapped+batch")
    for mode in ("", "-et", "-oneshot")
] + [
    *(f"get+one{mode}" for mode in ("", "-et", "-oneshot")),
    *(f"{way}{mode}" for way in ("get+poll", "mapped+poll", "mapped+one") for mode in ("", "-et")),
    "naio",
]
WORKLOADS = {
    "idle_scan": {"registered", "source", "payload", "batch"},
    "active_ratio": {"registered", "active", "source", "payload", "batch"},
    "chain": {"registered", "active", "source", "payload", "batch"},
    "harvest": {"registered", "source", "payload", "batch"},
    "empty_wait": {"registered", "source"},
    "ctl_churn": {"registered", "source", "batch"},
    "wake_latency": {"source", "payload", "placement"},
    "footprint": {"registered", "source"},
    "source_pingpong": {"source", "payload", "placement"},
    "herd": {"threads", "queue", "source", "placement"},
    "shared_vs_private_queue": {"threads", "queue", "registered", "active", "batch"},
    "stream_bench": {"source", "registered", "payload", "batch", "writes", "few", "look"},
    "bystander": {"source", "registered", "others", "call", "module"},
}


def kevbench_list(*words: str) -> str:
    environment = {name: text for name, text in os.environ.items() if name != tree.WORKER_VARIABLE}
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "list", *words],
        cwd=tree.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found = json.loads(kevbench_list("--json"))
    assert isinstance(found, dict)
    return found


def test_the_document_follows_its_schema(document: dict[str, Any]) -> None:
    validate.check("list", document)
    # The schema allows further fields; those of the contract must all be there.
    for item in document["mechanisms"]:
        assert item.keys() >= {"name", "variant", "available", "reason"}
        assert item["available"] == (item["reason"] is None)
    for item in document["workloads"]:
        assert item.keys() >= {"name", "available", "reason", "params"}
        for parameter in item["params"].values():
            assert parameter.keys() >= {"default", "min", "max", "choices"}


@pytest.mark.parametrize("mechanism", VARIANTS)
def test_mechanisms_of_a_host_are_named_so_and_run(
    document: dict[str, Any], mechanism: str
) -> None:
    listed = {
        item["variant"]: item["reason"]
        for item in document["mechanisms"]
        if item["name"] == mechanism
    }
    assert listed == dict.fromkeys(VARIANTS[mechanism])


def test_kevent_is_listed_wherever_it_runs(document: dict[str, Any]) -> None:
    kevent = [item for item in document["mechanisms"] if item["name"] == "kevent"]
    assert {item["variant"] for item in kevent} == set(GUEST_VARIANTS)
    assert all(item["available"] or "kevent" in item["reason"] for item in kevent)
    known = set(VARIANTS) | {"kevent"}
    assert {item["name"] for item in document["mechanisms"]} <= known


@pytest.mark.parametrize("workload", WORKLOADS)
def test_workloads_have_their_names_and_parameters(document: dict[str, Any], workload: str) -> None:
    (found,) = [item for item in document["workloads"] if item["name"] == workload]
    assert found["available"], found["reason"]
    assert found["params"].keys() >= WORKLOADS[workload]
    for name, parameter in found["params"].items():
        if parameter["choices"] is None:
            assert parameter["min"] <= parameter["default"] <= parameter["max"], name
        else:
            assert parameter["default"] in parameter["choices"], name


def test_people_see_the_same_names(document: dict[str, Any]) -> None:
    text = kevbench_list()
    for item in document["mechanisms"]:
        assert f"  {item['name']}+{item['variant']} " in text
    for item in document["workloads"]:
        assert f"  {item['name']}" in text.splitlines()
