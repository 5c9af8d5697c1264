# SPDX-License-Identifier: MIT
"""The report as a PDF: the same figures and numbers as the HTML, set on A4 landscape pages."""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace

import matplotlib
from matplotlib.backends.backend_pdf import PdfPages

from plots import fontmetrics, front, pdf_front, pdf_outline, pdf_table, provenance, style
from plots.figure import Figure, Section
from plots.model import Run
from plots.pdf_page import CAPTION_WIDTH, TOP, Pager, first_row_height
from results.timeline import Chronicle

_CAPTION_PT, _NOTE_PT = 8.0, 7.6


def _part(pager: Pager, title: str, inches: float) -> None:
    """A heading with a bookmark, on this page if `inches` are left for it and what follows."""
    if not pager.need(inches) and pager.y > TOP:
        pager.y += 0.1
        pager.rule(pager.y, heavy=True)
        pager.y += 0.12
    pager.mark(title)
    pager.line(title, 13, bold=True)


def _figure(pager: Pager, figure: Figure) -> None:
    title = f"Figure {figure.number}. {figure.title}"
    if figure.reason:
        pager.need(0.8)
        pager.mark(title)
        pager.line(title, 12, bold=True)
        pager.paragraph(f"{figure.reason[:1].upper()}{figure.reason[1:]}.", colour=style.MUTED)
        pager.y += 0.14
        return
    lines = fontmetrics.wrap(figure.caption, _CAPTION_PT, CAPTION_WIDTH)
    opening = 0.45 + len(lines) * _CAPTION_PT * 1.5 / 72
    _part(pager, title, opening + _height_of_start(figure.sections[0]))
    pager.y += 0.03
    pager.paragraph(figure.caption, _CAPTION_PT, colour=style.MUTED)
    for section in figure.sections:
        _section(pager, section, f"{title}, continued")


def _height_of_start(section: Section) -> float:
    """Inches for a section's heading, notes and first row of panels, which stay together."""
    wrapped = (fontmetrics.wrap(note, _NOTE_PT, CAPTION_WIDTH) for note in section.notes)
    notes = 0.17 * sum(len(lines) for lines in wrapped)
    return 0.36 + notes + first_row_height(section.panels)


def _section(pager: Pager, section: Section, again: str) -> None:
    pager.need(_height_of_start(section), again)
    pager.line(section.heading, 9.6, bold=True)
    for note in section.notes:
        pager.paragraph(note, _NOTE_PT, colour=style.MUTED)
    pager.y += 0.06
    pager.panels(section.panels, f"{again}: {section.heading}")


def _numbers(pager: Pager, figures: Sequence[Figure]) -> None:
    filled = [figure for figure in figures if figure.tables]
    if not filled:
        return
    _part(pager, "Numbers of the figures", 2.5)
    pager.y += 0.1
    for figure in filled:
        for one in figure.tables:
            name = f"Numbers of figure {figure.number}, {figure.title}"
            pdf_table.draw(pager, replace(one, title=f"{name}. {one.title}"), name)


def _provenance(pager: Pager, run: Run) -> None:
    title = "19. Provenance"
    _part(pager, title, 2.5)
    pager.y += 0.1
    pager.line("How to reproduce", 9.6, bold=True)
    for number, step in enumerate(provenance.reproduce(run), start=1):
        pager.paragraph(f"{number}. {step}", again=title)
    pager.y += 0.1
    for one in provenance.tables(run):
        pdf_table.draw(pager, one, f"{title}: {one.title}")


def _pages(run: Run, figures: Sequence[Figure]) -> Pager:
    pager = Pager(f"Kevbench report, run {run.run_id}")
    pdf_front.draw(pager, front.build(run))
    room = pdf_front.contents_height(figures)
    pager.need(room)
    page, top = len(pager.pages) - 1, pager.y + 0.2
    pager.y += room
    for figure in figures:
        _figure(pager, figure)
    _provenance(pager, run)
    _numbers(pager, figures)
    pdf_front.contents(pager, figures, page, top)
    pager.footers()
    return pager


def _history_pages(found: Chronicle, figure: Figure) -> Pager:
    pager = Pager(f"Kevbench history, {found.store}")
    pager.page()
    pager.line("Kevbench history", 16, bold=True)
    pager.paragraph(front.of_history(found), 10)
    _figure(pager, figure)
    _numbers(pager, [figure])
    pager.footers()
    return pager


def render(run: Run, figures: Sequence[Figure]) -> bytes:
    """The whole document. The same run gives the same bytes."""
    about = (f"Kevbench report {run.run_id}", "Cost of Linux event-notification mechanisms")
    return _document(*about, lambda: _pages(run, figures))


def render_history(found: Chronicle, figure: Figure) -> bytes:
    """A history as a document of its own. The same store gives the same bytes."""
    title = f"Kevbench history {found.store}"
    return _document(title, "Results of many commits", lambda: _history_pages(found, figure))


def _document(title: str, subject: str, pages: Callable[[], Pager]) -> bytes:
    buffer = io.BytesIO()
    # Dates are left out rather than fixed: the report states when the run was, not when it was drawn.
    about = {
        "Title": title,
        "Subject": subject,
        "Creator": "Kevbench",
        "Producer": None,
        "CreationDate": None,
    }
    with matplotlib.rc_context(style.RC), PdfPages(buffer, metadata=about) as document:
        pager = pages()
        for canvas in pager.pages:
            document.savefig(canvas)
    return pdf_outline.add(buffer.getvalue(), pager.marks)
