# SPDX-License-Identifier: MIT
"""Writes report.html and report.pdf into a run directory."""

from pathlib import Path

from plots import figures, html, pdf
from plots.aside import Aside
from plots.load import load
from plots.replace import replace_file

HTML_NAME = "report.html"
PDF_NAME = "report.pdf"


def render(run_dir: Path) -> tuple[Path, Path]:
    """Draws the report of a run; returns the paths of the HTML and the PDF.

    Each file is replaced whole or left as it was. Raises results.errors.ResultsError for data that
    cannot be read and OSError for a directory that cannot be written.
    """
    run = load(run_dir)
    directory = run_dir if run_dir.is_dir() else run_dir.parent
    drawn = figures.build(run)
    with Aside(lambda: pdf.render(run, drawn)) as other:
        page = html.render(run, drawn).encode()
        document = other.result()
    return (
        replace_file(directory / HTML_NAME, page),
        replace_file(directory / PDF_NAME, document),
    )
