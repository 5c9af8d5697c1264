# SPDX-License-Identifier: MIT
"""README and docs are true to the tree: links lead somewhere, commands parse, names exist."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import catalogue, tree
from harness.cli import make_parser
from results.metrics import METRICS

PAGES = [tree.ROOT / "README.md", *sorted((tree.ROOT / "docs").glob("*.md"))]
_LINK = re.compile(r"\]\(([^)#\s]+)")
_TEST_VERB = "test"


def _commands() -> Iterator[tuple[str, list[str]]]:
    """(page, words after the program's name) of every kevbench command line in the pages."""
    for page in PAGES:
        for line in page.read_text().splitlines():
            found = re.match(r"(?:`|\s*)(?:\./)?kevbench ([a-z][^`#|]*)", line)
            if found:
                yield page.name, found[1].split()
            for inline in re.findall(r"`(?:\./)?kevbench ([a-z][^`#|]*)`", line):
                yield page.name, str(inline).split()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(tree.ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    links = [link for link in _LINK.findall(page.read_text()) if "://" not in link]
    broken = [link for link in links if not (page.parent / link).exists()]
    assert not broken, f"{page.name}: {', '.join(broken)}"


def test_every_page_is_reached_from_the_readme() -> None:
    reached = {tree.ROOT / "README.md"}
    todo = list(reached)
    while todo:
        page = todo.pop()
        for link in _LINK.findall(page.read_text()):
            target = (page.parent / link).resolve()
            if target.suffix == ".md" and target.is_file() and target not in reached:
                reached.add(target)
                todo.append(target)
    assert not set(PAGES) - reached


def test_commands_in_the_pages_parse() -> None:
    commands = list(_commands())
    assert len(commands) > 10
    for page, words in commands:
        if words[0] == _TEST_VERB:
            continue
        try:
            make_parser().parse_args(words)
        except SystemExit as end:
            pytest.fail(f"{page}: kevbench {' '.join(words)} ended with {end.code}")


def test_every_verb_of_the_readme_has_help_with_examples() -> None:
    verbs = {words[0] for page, words in _commands() if page == "README.md"} - {_TEST_VERB}
    assert {"run", "list", "report", "compare", "doctor"} <= verbs
    for verb in sorted(verbs):
        done = subprocess.run(
            ["/usr/bin/python3", "-m", "harness.cli", verb, "--help"],
            cwd=tree.ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0 and "examples:" in done.stdout, verb


def test_the_catalogue_and_its_page_agree() -> None:
    text = (tree.ROOT / "docs" / "workloads.md").read_text()
    for workload in catalogue.load().workloads.values():
        assert f"`{workload.name}`" in text, workload.name
        for param in workload.params:
            assert f"`{param}`" in text, f"{workload.name}: {param}"


def test_metrics_of_the_summary_are_explained() -> None:
    text = (tree.ROOT / "docs" / "results.md").read_text()
    missing = [one.name for one in METRICS.values() if not one.detail and one.name not in text]
    assert not missing


def test_every_hook_of_a_plugin_is_documented_as_required_or_optional() -> None:
    adapters = tree.ROOT / "adapters"
    header = (adapters / "include" / "kevbench" / "adapter" / "plugin.h").read_text()
    table = header[header.index("struct kvb_plugin {") : header.index("KVB_PLUGIN_ENTRY")]
    hooks = re.findall(r"/\*((?:(?!\*/).)*)\*/\s*[\w ]+\(\*(\w+)\)", table, re.DOTALL)
    names = [name for _, name in hooks]
    assert names[:5] == ["probe", "open", "add", "modify", "remove"] and len(names) == 9
    for comment, name in hooks:
        assert re.search(r"\b(Required|Optional)\b", comment), name
    skeleton = (adapters / "skeleton" / "skeleton_adapter.c").read_text()
    for name in names:
        assert re.search(rf"\* {name}: (Required|Optional)\.", skeleton), name
