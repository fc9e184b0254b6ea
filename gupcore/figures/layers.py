"""All states of a scenario as a picture: one dot a state, one column a step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ..checker.explore import Graph
from ..checker.paths import leading_to
from ..checker.verdict import Report
from .picture import BLUE, GREY, RED, STYLE, Picture, picture


def layers(report: Report, rule: str) -> Picture:
    """Draw the states of a report, and from which of them a schedule can still break a rule.

    rule  the name of a rule about steps that fails

    Raises ValueError for a rule that no step breaks.
    """
    graph = report.graph
    breaking = [
        (state, after)
        for state in graph.states
        for move, after in graph.moves(state)
        if rule in report.broken_by(move)
    ]
    if not breaking:
        raise ValueError(f"No step breaks the rule {rule!r}.")
    ahead = leading_to(graph, {state for state, _ in breaking})
    columns = [_column(graph, depth) for depth in range(len(graph.layers))]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.6))
        axes = figure.add_axes((0.01, 0.13, 0.98, 0.86))
        _draw(axes, graph, columns, ahead, {after for _, after in breaking})
        return picture(figure, _in_words(graph, rule, columns, ahead, breaking))


def _column(graph: Graph, depth: int) -> list[int]:
    """Return the states at a depth, those at the top in which the last thread has come furthest."""
    end = [*graph.layers, len(graph.states)][depth + 1]
    last = len(graph.threads) - 1
    return sorted(
        graph.states[graph.layers[depth] : end], key=lambda state: (-graph.node(state, last), state)
    )


def _draw(
    axes: Any, graph: Graph, columns: list[list[int]], ahead: set[int], broken: set[int]
) -> None:
    at = {
        state: (depth, row - (len(column) - 1) / 2)
        for depth, column in enumerate(columns)
        for row, state in enumerate(column)
    }
    for colour, among in ((GREY, None), (BLUE, ahead | broken)):
        xs, ys = _lines(graph, at, among)
        axes.plot(xs, ys, color=colour, lw=0.5, alpha=0.6 if among else 0.4, zorder=0)
    for colour, mark, states in (
        (GREY, "o", set(at) - ahead - broken),
        (BLUE, "o", ahead),
        (RED, "X", broken),
    ):
        points = [at[state] for state in graph.states if state in states]
        size = 9 if mark == "X" else 4
        axes.plot([x for x, _ in points], [y for _, y in points], mark, color=colour, ms=size)
    axes.invert_yaxis()
    axes.set_yticks([])
    axes.set_xticks(range(0, len(columns), 4))
    axes.set_xlabel("steps from the start", fontsize=9)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _lines(
    graph: Graph, at: dict[int, tuple[int, float]], among: set[int] | None
) -> tuple[list[float], list[float]]:
    """Return the moves between some states, or all, as one broken line."""
    xs: list[float] = []
    ys: list[float] = []
    for state in graph.states:
        for _, after in graph.moves(state):
            if among is None or (state in among and after in among):
                xs += [at[state][0], at[after][0], float("nan")]
                ys += [at[state][1], at[after][1], float("nan")]
    return xs, ys


def _in_words(
    graph: Graph,
    rule: str,
    columns: list[list[int]],
    ahead: set[int],
    breaking: Iterable[tuple[int, int]],
) -> str:
    places = sorted({graph.depth(graph.number[state]) + 1 for state, _ in breaking})
    sizes = ", ".join(str(len(column)) for column in columns)
    return (
        f"All {len(graph.states)} states, in columns by how many steps they are from the start. "
        f"The columns have {sizes} states. From {len(ahead)} of them, drawn in blue, a schedule "
        f"can still break the rule {rule}. The steps that break it, marked by crosses, are "
        f"{'steps' if len(places) > 1 else 'step'} {', '.join(map(str, places))}; "
        f"no schedule breaks it in fewer than {places[0]}."
    )
