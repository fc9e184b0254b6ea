"""The few views that stand for any number of callers, beside the states of one, two and more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import ceil, sqrt

from ..checker.any_number import views_of
from ..checker.scenario import Scenario
from .glyphs import BOLD, INK, words
from .picture import BLUE, GREY, ORANGE, Picture

WIDTH, TOP = 720, 22
PITCH = 6.0  # from one dot to the next
WIDEST = 300  # the side of the greatest square


def few_for_many(scenario: Scenario, states: Mapping[int, int]) -> Picture:
    """Draw the views of a scenario, a dot each, and squares as large as there are states.

    scenario  its last thread is the only one that is no caller
    states    {number of callers: how many states there are}

    Raises ScenarioError where there cannot be any number of callers.
    """
    views = views_of(scenario)
    columns: dict[int, list[bool]] = {}
    for base, callers in views.of.items():
        holds = [bool(caller.holds) for caller in callers]
        columns.setdefault(base.nodes[-1], []).extend(holds)
    number = sum(map(len, columns.values()))
    last = scenario.threads[-1].label
    dots, height = _dots([sorted(columns[at], reverse=True) for at in sorted(columns)])
    title = words(f"{number} views: any number of callers", 2, 13, BOLD)
    below = words(f"steps that {last} has taken", 2, height + 16)
    squares, bottom = _squares({**states, 0: number}, height + 40)
    svg = (
        f'<svg width="{WIDTH}" height="{bottom:g}" viewBox="0 0 {WIDTH} {bottom:g}" '
        f'font-family="sans-serif" font-size="11.5">{title}{dots}{below}{squares}</svg>'
    )
    counted = ", ".join(f"{many:,} with {_callers(n)}" for n, many in sorted(states.items()))
    held = Counter(holds for column in columns.values() for holds in column)[True]
    return Picture(
        svg,
        f"{number} views, in {len(columns)} columns by how many steps {last} has taken; in {held} "
        f"of them, in orange, the caller holds a reference. They stand for all states with any "
        f"number of callers. Below, squares as large as there are states: {counted}; and one of "
        f"{number} for the views.",
    )


def _dots(columns: list[list[bool]]) -> tuple[str, float]:
    """Return the views, column by column, and where they end."""
    each = (WIDTH - 4) / len(columns)
    across = max(1, int((each - PITCH) / PITCH))
    parts, lowest = [], 0.0
    for n, column in enumerate(columns):
        for at, holds in enumerate(column):
            x, y = 5 + n * each + at % across * PITCH, TOP + at // across * PITCH
            colour = ORANGE if holds else BLUE
            parts.append(f'<circle cx="{x:.1f}" cy="{y:g}" r="2.2" fill="{colour}"/>')
        lowest = max(lowest, TOP + ceil(len(column) / across) * PITCH)
    parts += [words(str(n), 2 + n * each, lowest + 10) for n in range(len(columns))]
    return "".join(parts), lowest + 16


def _squares(sizes: Mapping[int, int], top: float) -> tuple[str, float]:
    """Return a square for each number of callers, 0 standing for any, and where they end."""
    scale = WIDEST / sqrt(max(sizes.values()))
    bottom, x, parts = top + WIDEST, 2.0, []
    for callers, size in sorted(sizes.items(), key=lambda one: (one[0] == 0, one[0])):
        side = scale * sqrt(size)
        look = f'fill="{BLUE}"' if callers == 0 else f'fill="{GREY}" fill-opacity="0.5"'
        parts.append(
            f'<rect x="{x:g}" y="{bottom - side:.1f}" width="{side:.1f}" height="{side:.1f}" '
            f'{look} stroke="{INK}" stroke-width="0.5"/>'
        )
        name = _callers(callers) if callers else "any number"
        parts.append(words(name, x, bottom + 15, BOLD))
        parts.append(words(f"{size:,} {'states' if callers else 'views'}", x, bottom + 30))
        x += max(side, 72) + 24
    return "".join(parts), bottom + 36


def _callers(number: int) -> str:
    return f"{number} caller{'' if number == 1 else 's'}"
