# SPDX-License-Identifier: MIT
"""The report as one HTML file: no network, no script, dark and light, usable at phone width."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from plots import front, provenance, style, svg
from plots.figure import Figure, Panel, limited
from plots.model import Run
from results.timeline import Chronicle

MOST_ROWS = 800
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class _Drawn:
    heading: str
    panels: tuple[tuple[bool, Markup], ...]
    notes: tuple[str, ...]


def colours(theme: int) -> str:
    """CSS declarations of every colour; theme 1 is light, 2 is dark."""
    return " ".join(f"--{entry[0]}: {entry[theme]};" for entry in style.CSS_COLOURS.values())


def draw(panel: Panel) -> str:
    """The panel as an <svg> element of the page."""
    with matplotlib.rc_context(style.RC):
        return svg.render(panel, f"k-{panel.key}")


def _sections(figure: Figure, ready: Mapping[str, str]) -> list[_Drawn]:
    # The drawing is ours and its texts were escaped when it was made, hence Markup.
    return [
        _Drawn(
            section.heading,
            tuple(
                (panel.starts_row, Markup(ready.get(panel.key) or draw(panel)))
                for panel in section.panels
            ),
            section.notes,
        )
        for section in figure.sections
    ]


def environment() -> Environment:
    """Templates that escape what they are given and refuse names they are not."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["capitalize_first"] = _capitalise
    return made


def _page(template: str, figures: Sequence[Figure], ready: Mapping[str, str], **about: Any) -> str:
    drawn = {figure.number: _sections(figure, ready) for figure in figures}
    return (
        environment()
        .get_template(template)
        .render(
            drawn=drawn,
            limited=lambda table: limited(table, MOST_ROWS),
            css=Markup((_TEMPLATES / "report.css").read_text()),
            light=Markup(colours(1)),
            dark=Markup(colours(2)),
            **about,
        )
    )


def render(run: Run, figures: Sequence[Figure], ready: Mapping[str, str] | None = None) -> str:
    """The whole document. The same run gives the same bytes.

    `ready` are panels that draw() has made already, by their keys.
    """
    return _page(
        "report.html.j2",
        figures,
        ready or {},
        run=run,
        front=front.build(run),
        figures_shown=figures,
        provenance=provenance.tables(run),
        reproduce=provenance.reproduce(run),
        verdicts=style.VERDICTS,
    )


def render_history(found: Chronicle, figure: Figure) -> str:
    """A history as a page of its own. The same store gives the same bytes."""
    return _page(
        "history.html.j2",
        [figure],
        {},
        history=found,
        figure=figure,
        summary=front.of_history(found),
    )


def _capitalise(words: str) -> str:
    return words[:1].upper() + words[1:]
