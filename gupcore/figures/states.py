"""The machine at some moments, side by side: who holds what, as the player's scene draws it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..checker.picture import GONE, Drawn, drawn, taken
from ..checker.replay import replay
from ..checker.scenario import Scenario
from .glyphs import BOLD, CARD, HEIGHT, INK, box, card, spots, tether, words
from .picture import GREY, THREADS, Picture

BROAD, SIDE = 150, 12  # a thing; from its edge to the first line that passes
TOP, STEP, GAP = 40, HEIGHT + 14, 8  # above the things; from one to the next; between lines

Holder = str | int  # the name of a thing, the number of a thread, or "": the counted thing itself


@dataclass(frozen=True)
class Still:
    """The machine at one moment.

    title   a few words on it
    after   the number of the last step, and its function; at the start it has none
    things  {name: how it is drawn}
    held    {name of a thing: who holds each reference on it}
    fresh   the names of the things that the last step has changed
    labels  {number of a thread: what it is called}
    """

    title: str
    after: tuple[str, str]
    things: Mapping[str, Drawn]
    held: Mapping[str, Sequence[Holder]]
    fresh: frozenset[str]
    labels: Mapping[int, str]


def states(moments: Mapping[str, tuple[Scenario, str]], things: Sequence[str]) -> Picture:
    """Draw some things of the machine, and the references on them, at some moments.

    moments  {a few words: (scenario, the schedule that leads there)}; raises ScheduleError where
             it cannot be taken
    things   the names of the things to show, from top to bottom

    Raises ValueError for a name that nothing in the machine has, and for a thing on which more
    references are held than it counts.
    """
    stills = [_still(title, *moment, things) for title, moment in moments.items()]
    lanes = _lanes(stills)
    each = BROAD + SIDE + GAP * sum(lanes.values()) + 2 * SIDE
    width = len(stills) * each
    height = TOP + len(things) * STEP + len(lanes) * (CARD + GAP)
    parts = [_draw(still, 2 + n * each, lanes) for n, still in enumerate(stills)]
    svg = (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11.5">{"".join(parts)}</svg>'
    )
    return Picture(svg, " ".join(map(_in_words, stills)))


def _still(title: str, scenario: Scenario, schedule: str, things: Sequence[str]) -> Still:
    moments = replay(scenario, schedule)
    machine: Any = scenario.machine
    holding: dict[int, Counter[str]] = {}
    for moment in moments:
        machine = moment.machine
        holding.setdefault(moment.thread, Counter()).update(taken(moment.before, machine))
    known = drawn(machine)
    unknown = [name for name in things if name not in known]
    if unknown:
        raise ValueError(f"Nothing is called {unknown[0]!r} here; choose of {', '.join(known)}.")
    shown = {name: known[name] for name in things}
    was = drawn(moments[-1].before if moments else machine)
    fresh = frozenset(name for name, one in shown.items() if _seen(was.get(name)) != _seen(one))
    after = (f"step {len(moments)}", moments[-1].source.function) if moments else ("start", "")
    held = {name: _holders(name, one, holding) for name, one in shown.items()}
    labels = {number: thread.label for number, thread in enumerate(scenario.threads, start=1)}
    return Still(title, after, shown, held, fresh, labels)


def _seen(one: Drawn | None) -> tuple[object, ...]:
    return (one.state, one.words, one.refs) if one else ()


def _holders(name: str, one: Drawn, holding: Mapping[int, Counter[str]]) -> list[Holder]:
    """Return who holds each reference on a thing: things, then threads; the rest are its own.

    Raises ValueError if more are held than it counts.
    """
    if one.refs is None or one.state == GONE:
        return []
    holders: list[Holder] = [*one.held]
    for number, has in sorted(holding.items()):
        holders += [number] * has[name]
    if len(holders) > one.refs:
        raise ValueError(f"More references on the {name} are held than it counts: no picture.")
    return holders + [""] * (one.refs - len(holders))


def _colour(by: Holder) -> str:
    if isinstance(by, int):
        return THREADS[by - 1]
    return INK if by else GREY


def _lanes(stills: Sequence[Still]) -> dict[int, int]:
    """Return for each thread that ever holds something how many lines lead to it at the most."""
    lines = [Counter(by for all in still.held.values() for by in all) for still in stills]
    threads = sorted({by for found in lines for by in found if isinstance(by, int)})
    return {number: max(found[number] for found in lines) for number in threads}


def _draw(still: Still, x: float, lanes: Mapping[int, int]) -> str:
    """Return one moment, with its upper left corner at `x`: above the things, below the threads."""
    at, function = still.after
    parts = [words(f"{still.title} · {at}", x, 13, BOLD)]
    parts.append(words(function, x, 27, ' font-size="10"'))
    tops = {name: TOP + n * STEP for n, name in enumerate(still.things)}
    edge, top = x + BROAD, TOP + len(tops) * STEP
    cards, channels, channel = {}, {}, edge + SIDE
    for number, lines in lanes.items():  # a line to a thread goes past those above it
        cards[number] = top
        channels[number] = [channel + GAP * n for n in range(lines)]
        channel += GAP * lines
        parts.append(card(number, still.labels[number], x, top, channel - GAP / 2 - x))
        top += CARD + GAP
    for name, one in still.things.items():
        holders = still.held[name]
        dots = spots(x, tops[name], BROAD, len(holders))
        for by, dot in zip(holders, dots, strict=True):
            if isinstance(by, int):
                at_x = channels[by].pop()
                parts.append(tether(dot, (at_x, cards[by]), _colour(by), at_x))
            elif by in tops:
                to = (edge, tops[by] + HEIGHT / 2 - 10)
                parts.append(tether(dot, to, GREY, edge + GAP - 2))
        colours = [_colour(by) for by in holders]
        parts.append(box(one, name, x, tops[name], BROAD, colours, name in still.fresh))
    return "".join(parts)


def _in_words(still: Still) -> str:
    """Say of each thing how it is, and who holds the references on it."""
    said = []
    for name, one in still.things.items():
        counted = [_held(count, by, still) for by, count in Counter(still.held[name]).items()]
        said.append(f"{name}: {', '.join(filter(None, [one.words, *counted])) or one.state}")
    at = ", ".join(filter(None, still.after))
    return f"{still.title}, {at}. {'; '.join(said)}."


def _held(count: int, by: Holder, still: Still) -> str:
    if not by:
        return f"{count} of its own"
    return f"{count} held by {still.labels[by] if isinstance(by, int) else by}"
