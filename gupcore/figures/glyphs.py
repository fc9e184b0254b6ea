"""What a machine's things look like in a still picture: as in the player's scene (page/scene.js).

A thing that is there is a box, one that is dying is hatched, and one that is gone a dashed hole.
Each reference is a dot on what is counted, with a line to who holds it.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

from ..checker.picture import DYING, EMPTY, FRAME, GONE, Drawn
from .picture import GREY, ORANGE, RED, THREADS

HEIGHT = 46  # of a thing; this and the next two are the scene's
DOT = 4.5  # the radius of a reference
APART = 12  # from one reference to the next
CARD, LINE = 30, 15  # how high a thread is; each line that says more of it
WHITE_ON = (1, 9)  # the threads on whose colour white is read; on the others black

INK = "currentColor"
BOLD = ' font-weight="600"'


def box(
    drawn: Drawn, name: str, x: float, y: float, width: float, dots: Sequence[str], fresh: bool
) -> str:
    """Return one thing with the references on it.

    drawn     how it is drawn
    name      what it is called
    x, y      its upper left corner
    width     how wide it is
    dots      the colour of each reference on it
    fresh     has the last step changed it?
    """
    colour = RED if drawn.state == GONE else ORANGE
    edge, wide = (colour, 3.0) if fresh else (INK, 2.0) if drawn.state == GONE else (GREY, 1.5)
    wide = 0.75 if drawn.state == EMPTY and not fresh else wide
    dash = ' stroke-dasharray="3 5"' if drawn.state == GONE else ""
    wash = f'fill="{colour}" fill-opacity="0.12"' if fresh else 'fill="none"'
    parts = [
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{HEIGHT}" '
        f'rx="{0 if drawn.look == FRAME else 4}" {wash} '
        f'stroke="{edge}" stroke-width="{wide:g}"{dash}/>'
    ]
    if drawn.state == DYING:
        parts.append(_hatch(x, y, width))
    struck = ' text-decoration="line-through"' if drawn.state == GONE else BOLD
    parts.append(words(name, x + 7, y + 16, struck))
    parts.append(words(drawn.words, x + 7, y + 31))
    for dot, (at, below) in zip(dots, spots(x, y, width, len(dots)), strict=True):
        parts.append(
            f'<circle cx="{at:g}" cy="{below:g}" r="{DOT}" fill="{dot}" stroke="{INK}" '
            'stroke-width="0.5"/>'
        )
    return "".join(parts)


def spots(x: float, y: float, width: float, count: int) -> list[tuple[float, float]]:
    """Return where the references on a thing stand, whose upper left corner is at `x` and `y`."""
    return [(x + width - 12 - (count - 1 - n) * APART, y + HEIGHT - 9) for n in range(count)]


def card(
    number: int, label: str, x: float, y: float, width: float, says: Sequence[str] = ()
) -> str:
    """Return a thread: its number, what it is called, and below it a line for each of `says`.

    x, y, width  its upper left corner, and how wide it is
    """
    lane = THREADS[number - 1]
    digit = "#fff" if number in WHITE_ON else "#000"
    height = CARD + LINE * len(says)
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height}" rx="5" fill="none" '
        f'stroke="{lane}" stroke-width="1.5"/>'
        f'<circle cx="{x + 16:g}" cy="{y + CARD / 2:g}" r="10" fill="{lane}"/>'
        f'<text x="{x + 16:g}" y="{y + CARD / 2 + 4:g}" text-anchor="middle" font-weight="700" '
        f'fill="{digit}">{number}</text>'
        + words(label, x + 32, y + CARD / 2 + 4, BOLD)
        + "".join(words(said, x + 7, y + CARD + LINE * n + 8) for n, said in enumerate(says))
    )


def tether(dot: tuple[float, float], by: tuple[float, float], lane: str, channel: float) -> str:
    """Return the line from a reference to its holder, past what stands between them.

    dot      the reference
    by       where the holder takes it: from the side if it is above, from above if it is below
    lane     the holder's colour
    channel  at which x it goes up or down
    """
    (x, y), (to, end) = dot, by
    wide = 1.6 if lane == GREY else 2.6
    half = (channel - x) / 2
    if end < y:  # at the side of a thing above
        path = f"M{x:g} {y:g}H{channel - 8:g}Q{channel:g} {y:g} {channel:g} {y - 8:g}"
        path += f"V{end + 8:g}Q{channel:g} {end:g} {channel - 8:g} {end:g}H{to:g}"
    else:
        path = (
            f"M{x:g} {y:g}C{x + half:g} {y + 2:g} {channel:g} {y:g} {channel:g} {y + 18:g}V{end:g}"
        )
    return f'<path d="{path}" fill="none" stroke="{lane}" stroke-width="{wide}"/>'


def words(text: str, x: float, y: float, more: str = "") -> str:
    """Return a text that begins at `x` on the line `y`; `more` are attributes."""
    return f'<text x="{x:g}" y="{y:g}" fill="{INK}"{more}>{html.escape(text)}</text>'


def _hatch(x: float, y: float, width: float) -> str:
    lines = []
    start = x - HEIGHT + 6
    while start < x + width:
        left, right = max(start, x), min(start + HEIGHT, x + width)
        lines.append(
            f"M{left:g} {y + HEIGHT - left + start:g}L{right:g} {y + HEIGHT - right + start:g}"
        )
        start += 9
    return f'<path d="{"".join(lines)}" stroke="{GREY}" stroke-width="1" opacity="0.45"/>'


def arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Return what leads from an entry to what it means, from left to right."""
    (x, y), (to, below) = start, end
    return (
        f'<path d="M{x:g} {y:g}L{to - 7:g} {below:g}" fill="none" stroke="{INK}" '
        f'stroke-width="1.6" opacity="0.75"/>'
        f'<path d="M{to:g} {below:g}l-8 -4v8z" fill="{INK}" opacity="0.75"/>'
    )


def describes(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Return the dotted line between a struct page and its frame."""
    (x, y), (to, below) = start, end
    return (
        f'<path d="M{x:g} {y:g}L{to:g} {below:g}" stroke="{GREY}" stroke-width="2" '
        'stroke-dasharray="1 4" stroke-linecap="round"/>'
    )
