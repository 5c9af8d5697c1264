# SPDX-License-Identifier: MIT
"""Writes report.html and report.pdf into a run directory."""

from dataclasses import replace
from pathlib import Path

from plots import figures, html, pdf
from plots.aside import Aside
from plots.load import load
from plots.replace import replace_file
from results.timeline import Chronicle

HTML_NAME = "report.html"
PDF_NAME = "report.pdf"


def render(run_dir: Path, history: Chronicle | None = None) -> tuple[Path, Path]:
    """Draws the report of a run; returns the paths of the HTML and the PDF.

    `history` becomes its figure 17.

    Each file is replaced whole or left as it was. Raises results.errors.ResultsError for data that
    cannot be read and OSError for a directory that cannot be written.
    """
    run = replace(load(run_dir), history=history)
    directory = run_dir if run_dir.is_dir() else run_dir.parent
    drawn = figures.build(run)
    with Aside(lambda: pdf.render(run, drawn)) as other:
        page = html.render(run, drawn).encode()
        document = other.result()
    return (
        replace_file(directory / HTML_NAME, page),
        replace_file(directory / PDF_NAME, document),
    )


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
