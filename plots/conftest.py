# SPDX-License-Identifier: MIT
"""Fixtures of the report's tests: one made-up run, loaded and drawn once."""

from pathlib import Path

import pytest

from plots import figures, html, pdf, testing
from plots.figure import Figure
from plots.load import load
from plots.model import Run
from results.testing import synthetic_run


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the quick profile's shape. Not to be written to."""
    return synthetic_run(tmp_path_factory.mktemp("made-up") / "run")


@pytest.fixture(scope="session")
def bare_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that ended before anything was measured."""
    made = synthetic_run(tmp_path_factory.mktemp("bare") / "run")
    return testing.rewrite(made, lambda records: testing.only(records, "run", "env", "end"))


@pytest.fixture(scope="session")
def run(run_dir: Path) -> Run:
    """The run as figures see it."""
    return load(run_dir)


@pytest.fixture(scope="session")
def drawn(run: Run) -> dict[int, Figure]:
    """Its figures by number."""
    return {figure.number: figure for figure in figures.build(run)}


@pytest.fixture(scope="session")
def page(run: Run, drawn: dict[int, Figure]) -> str:
    """Its HTML."""
    return html.render(run, list(drawn.values()))


@pytest.fixture(scope="session")
def document(run: Run, drawn: dict[int, Figure], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its PDF."""
    path = tmp_path_factory.mktemp("pdf") / "report.pdf"
    path.write_bytes(pdf.render(run, list(drawn.values())))
    return path
