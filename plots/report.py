# SPDX-License-Identifier: MIT
"""Writes report.html and report.pdf into a run directory."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from plots import figures, html, pdf, together
from plots.figure import Panel
from plots.load import load
from plots.model import Run
from plots.replace import replace_file
from results.errors import ResultsError
from results.reader import ResultFile
from results.timeline import Chronicle


def render(
    run_dir: Path,
    history: Chronicle | None = None,
    workloads: Sequence[str] = (),
    seen: Callable[[ResultFile], None] | None = None,
) -> tuple[Path, Path]:
    """Draws the report of a run; returns the paths of the HTML and the PDF.

    `history` becomes its figure 17. With `workloads` the report is confined to them and has files
    of its own, such as report-idle_scan.html. `seen` is that of plots.load.load().

    Each file is replaced whole or left as it was. Raises results.errors.ResultsError for data that
    cannot be read and for a workload that the run does not have, OSError for a directory that
    cannot be written.
    """
    with together.rare_garbage():
        run = replace(load(run_dir, seen), history=history)
        return _drawn(run, run_dir, workloads)


def _drawn(run: Run, run_dir: Path, workloads: Sequence[str]) -> tuple[Path, Path]:
    suffix = ""
    if workloads:
        run = _confined(run, workloads)
        suffix = "-" + "-".join(run.confined)
    directory = run_dir if run_dir.is_dir() else run_dir.parent
    drawn = figures.build(run)
    panels = [p for figure in drawn for section in figure.sections for p in section.panels]
    tasks: list[together.Task] = [lambda: pdf.render(run, drawn)]
    tasks += [partial(_svg, panel) for panel in panels]
    document, *drawings = together.carry_out(tasks)
    ready = {panel.key: one.decode() for panel, one in zip(panels, drawings, strict=True)}
    page = html.render(run, drawn, ready).encode()
    return (
        replace_file(directory / f"report{suffix}.html", page),
        replace_file(directory / f"report{suffix}.pdf", document),
    )


def _confined(run: Run, workloads: Sequence[str]) -> Run:
    unknown = sorted(set(workloads) - set(run.workloads))
    if unknown:
        raise ResultsError(
            f"{unknown[0]} was not measured in this run: name one of {', '.join(run.workloads)}"
        )
    return run.of(workloads)


def _svg(panel: Panel) -> bytes:
    return html.draw(panel).encode()


def render_history(found: Chronicle, store: Path) -> tuple[Path, Path]:
    """Draws a history beside its store; returns the paths of the HTML and the PDF.

    Raises OSError for a directory that cannot be written.
    """
    drawn = figures.history.draw(found)
    page = html.render_history(found, drawn).encode()
    document = pdf.render_history(found, drawn)
    return (
        replace_file(store.with_name(f"{store.stem}.html"), page),
        replace_file(store.with_name(f"{store.stem}.pdf"), document),
    )
