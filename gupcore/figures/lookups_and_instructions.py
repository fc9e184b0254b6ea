"""What the model counts beside what a kernel ran: lookups of a call, and its instructions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from .picture import BLUE, GREY, ORANGE, STYLE, Picture, picture

Counted = Mapping[str, Mapping[int, int]]

COLOURS = (GREY, BLUE, ORANGE)
MARKS = ("o", "s", "^")


def lookups_and_instructions(lookups: Counted, instructions: Counted, kernel: str) -> Picture:
    """Draw by the number of pages: above, lookups in the model; below, instructions in a kernel.

    lookups       {where the buffer begins: {pages: lookups}}, at most two
    instructions  {kind of call: {pages: instructions}}, at most three
    kernel        which kernel was counted
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.5, 4.6))
        above = figure.add_axes((0.13, 0.63, 0.5, 0.31))
        below = figure.add_axes((0.13, 0.1, 0.5, 0.4))
        for (name, counts), colour in zip(lookups.items(), (BLUE, ORANGE), strict=False):
            pages = sorted(counts)
            values = [counts[number] for number in pages]
            above.plot(pages, values, drawstyle="steps-post", color=colour, lw=1.6)
            _name(above, pages[-1], values[-1], name)
        above.set_ylim(0, 2.5)
        above.set_yticks((0, 1, 2))
        above.set_title("model: lookups", loc="left", fontsize=9)
        lines = zip(instructions.items(), COLOURS, MARKS, strict=False)
        for (name, counts), colour, mark in lines:
            pages = sorted(counts)
            thousands = [counts[number] / 1000 for number in pages]
            below.plot(pages, thousands, mark + "-", color=colour, ms=3, lw=1.2)
            _name(below, pages[-1], thousands[-1], name)
        below.set_ylim(bottom=0)
        below.set_title("kernel: thousand instructions", loc="left", fontsize=9)
        for axes in (above, below):
            axes.set_xlim(0, 530)
            axes.set_xticks((0, 256, 512))
            axes.spines[["top", "right"]].set_visible(False)
        below.set_xlabel("pages in one call")
        return picture(figure, _in_words(lookups, instructions, kernel))


def _name(axes: Any, page: int, value: float, name: str) -> None:
    """Write a line's name at its right end, in the page's own colour, which can be read."""
    axes.annotate(
        *(name, (page, value)),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        annotation_clip=False,
    )


def _in_words(lookups: Counted, instructions: Counted, kernel: str) -> str:
    """Say where each line begins and ends, and where a number of lookups changes."""
    parts = ["Above, lookups of one gup-fast call in the model, by the number of pages."]
    for name, counts in lookups.items():
        pages = sorted(counts)
        changes = [
            f"{counts[now]} from {now} pages on"
            for before, now in pairwise(pages)
            if counts[before] != counts[now]
        ]
        said = [f"{counts[pages[0]]} for {pages[0]} page", *changes]
        parts.append(f"Buffer {name}: {', '.join(said)}, to {pages[-1]} pages.")
    parts.append(f"Below, instructions of one call on {kernel}.")
    for name, counts in instructions.items():
        pages = sorted(counts)
        first, middle, last = pages[0], pages[len(pages) // 2], pages[-1]
        parts.append(
            f"{name}: {counts[first]:,} for {first} page, {counts[middle]:,} for {middle}, "
            f"{counts[last]:,} for {last}."
        )
    return " ".join(parts)
