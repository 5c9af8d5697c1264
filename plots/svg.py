# SPDX-License-Identifier: MIT
"""A panel as SVG that can be put into a page beside others.

Text stays text, ids carry the panel's name (matplotlib repeats the same ids in every drawing), each
drawing has a title and a description, and colours become CSS variables so that one drawing serves a
light and a dark page. The bytes depend on the data alone.
"""

import io
import re
from html import escape

from matplotlib.figure import Figure as Canvas

from plots import style, text
from plots.figure import Panel

_IDS = re.compile(r'\b(id="|href="#|url\(#)([A-Za-z0-9_.:-]+)')
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_STYLE = re.compile(r"<defs>\s*<style type=\"text/css\">[^<]*</style>\s*</defs>")
_BOLD = re.compile(r"font: (?:700|bold) ([0-9.]+px) [^;\"]*")
_FONT = re.compile(r"font: ([0-9.]+px) [^;\"]*")
_COORDINATES = re.compile(r' (?:d|x|y|points|transform)="[^"]*"')
_DECIMALS = re.compile(r"\d+\.\d{3,}")
_HEAD = re.compile(r"<svg\b[^>]*?viewBox=\"([^\"]+)\"[^>]*>")


def canvas(panel: Panel) -> Canvas:
    """The panel drawn alone on a canvas of its own size. Call inside rc_context(style.RC)."""
    drawing = Canvas(figsize=(panel.width, panel.height))
    place(drawing, panel, 0.0, 0.0)
    return drawing


def place(drawing: Canvas, panel: Panel, left: float, bottom: float) -> None:
    """Draws the panel into `drawing` with its lower left corner at these inches."""
    width, height = drawing.get_size_inches()
    inner = panel.margins
    ax = drawing.add_axes(
        (
            (left + inner.left) / width,
            (bottom + inner.bottom) / height,
            (panel.width - inner.left - inner.right) / width,
            (panel.height - inner.top - inner.bottom) / height,
        )
    )
    panel.draw(ax)
    title = text.short(panel.title, 80)
    if title:
        # From the panel's left edge, not the axes', so that titles of a column line up.
        drawing.text(
            (left + 0.06) / width,
            (bottom + panel.height - 0.07) / height,
            title,
            va="top",
            # A long title gets smaller rather than running into the next panel.
            fontsize=min(style.FONT_PT + 0.4, 72 * (panel.width - 0.12) / 0.68 / len(title)),
            fontweight="bold",
            color=style.INK,
        )


def render(panel: Panel, prefix: str) -> str:
    """The panel as an <svg> element; `prefix` must be unique in the page."""
    buffer = io.StringIO()
    drawing = canvas(panel)
    drawing.savefig(
        buffer,
        format="svg",
        metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
    )
    return _embed(buffer.getvalue(), panel, prefix)


def _embed(document: str, panel: Panel, prefix: str) -> str:
    head = _HEAD.search(document)
    if head is None:
        raise ValueError(f"panel '{panel.key}': no svg element in the drawing")
    body = document[head.end() :]
    body = re.sub(r"\s*<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = _IDS.sub(lambda m: f"{m.group(1)}{prefix}-{m.group(2)}", body)
    body = _STYLE.sub("", body)  # it would reach every element of the page
    body = _FONT.sub(r"font-size: \1", _BOLD.sub(r"font-weight: 700; font-size: \1", body))
    body = _COLOUR.sub(_variable, body)
    body = _COORDINATES.sub(_shorten, body.replace("rotate(-0 ", "rotate(0 "))
    body = re.sub(r"\n\s*", "\n", body)
    least = f";min-width:{panel.width * 106:.0f}px" if panel.fixed else ""
    title, description = f"{prefix}-title", f"{prefix}-desc"
    return (
        f'<svg class="panel" viewBox="{head.group(1)}" role="img" '
        f'aria-labelledby="{title} {description}" style="max-width:{panel.width * 106:.0f}px{least}">\n'
        f'<title id="{title}">{escape(panel.title)}</title>\n'
        f'<desc id="{description}">{escape(panel.description)}</desc>{body.rstrip()}'
    )


def _shorten(match: re.Match[str]) -> str:
    """Coordinates to a hundredth of a point, which no screen shows, and lines joined."""
    value = _DECIMALS.sub(lambda number: f"{float(number.group(0)):.2f}", match.group(0))
    return value.replace(" \n", " ").replace("\n", " ")


def _variable(match: re.Match[str]) -> str:
    known = style.CSS_COLOURS.get(match.group(0))
    return f"var(--{known[0]})" if known else match.group(0)
