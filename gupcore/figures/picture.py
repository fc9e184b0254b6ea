"""A drawing for a page, and how a matplotlib figure becomes one.

A figure is SVG inside the page: it takes the page's text colour, so it reads in light and in
dark, and it carries its content as a sentence for those who do not see it.  On a narrow screen
it scrolls.
"""

from __future__ import annotations

import html
import io
import re
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

BLUE, ORANGE, RED, GREY = "#0072B2", "#E69F00", "#D55E00", "#808080"  # read in light and in dark
THREADS = (  # by number, as in the player
    *(BLUE, ORANGE, "#009E73", "#CC79A7", "#56B4E9"),
    *(RED, "#B3A600", "#999999", "#8A5BB0"),
)
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "gupcore",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
}


@dataclass(frozen=True)
class Picture:
    """A drawing for a page.

    svg  the drawing, with `currentColor` for black
    alt  what it shows, in words
    """

    svg: str
    alt: str

    def _repr_html_(self) -> str:
        opening = f'<svg role="img" aria-label="{html.escape(self.alt)}" '
        return f'<div class="gup-figure">{self.svg.replace("<svg ", opening, 1)}</div>'

    def __repr__(self) -> str:
        return self.alt


def picture(figure: Figure, alt: str) -> Picture:
    """Turn a matplotlib figure into a picture.

    figure  made with `Figure(figsize=…)` and drawn within `mpl.rc_context(STYLE)`: pyplot would
            show it a second time
    alt     what it shows, in words: all that a reader takes from looking at it

    Raises ValueError for an empty `alt`.
    """
    if not alt.strip():
        raise ValueError("A picture needs words for those who do not see it.")
    buffer = io.StringIO()
    metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    return Picture(_for_page(buffer.getvalue()), alt)


def _for_page(svg: str) -> str:
    """Return the drawing alone, in the page's colour.

    Nothing in it may reach the rest of the page: no style for everything, no common ids.  The ids
    that are left are digests of what they name.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*|<style.*?</style>\s*", "", svg, flags=re.S)
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    svg = svg.replace("#000000", "currentColor")
    return re.sub(r"<text(?=[ >])", '<text fill="currentColor"', svg)  # a power of ten has no space
