"""Still pictures of the machine: who holds what at some moments, as the player's scene draws it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..checker.picture import GONE, SECTION, Drawn, drawn, taken, tell
from ..checker.replay import Run, replay
from ..checker.scenario import Scenario
from .glyphs import BOLD, CARD, HEIGHT, INK, LINE, box, card, spots, tether, words
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
    says    {number of a thread: what it is inside, and what it has read of the things shown}
    """

    title: str
    after: tuple[str, str]
    things: Mapping[str, Drawn]
    held: Mapping[str, Sequence[Holder]]
    fresh: frozenset[str]
    labels: Mapping[int, str]
    says: Mapping[int, tuple[str, str]]


def side_by_side(stills: Sequence[Still]) -> Picture:
    """Draw some moments, from left to right."""
    lanes = _lanes(stills)
    lines = [
        n for n in range(2) if any(said[n] for still in stills for said in still.says.values())
    ]
    each = BROAD + SIDE + GAP * sum(lanes.values()) + 2 * SIDE
    width = len(stills) * each
    height = TOP + len(stills[0].things) * STEP + len(lanes) * (CARD + LINE * len(lines) + GAP)
    parts = [_draw(still, 2 + n * each, lanes, lines) for n, still in enumerate(stills)]
    svg = (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11.5">{"".join(parts)}</svg>'
    )
    return Picture(svg, " ".join(map(_in_words, stills)))


def still_at(title: str, scenario: Scenario, schedule: str, things: Sequence[str]) -> Still:
    """Return the machine where a schedule leads; arguments and errors as in `states`."""
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
    return Still(title, after, shown, held, fresh, labels, _says(scenario, schedule, shown))


def _says(
    scenario: Scenario, schedule: str, shown: Mapping[str, Drawn]
) -> dict[int, tuple[str, str]]:
    """Return for each thread what it is inside, and what it has read of the things shown."""
    run = Run(scenario.machine, scenario.threads)
    for digit in schedule.replace(" ", ""):
        run.step(int(digit) - 1)
    sections = [one for one in drawn(run.machine).values() if one.look == SECTION]
    said = {}
    for number, thread in enumerate(scenario.threads):
        inside = [one.words for one in sections if f"CPU {thread.cpu}" in one.held]
        told = (tell(scenario.machine, *has) for has in run.variables(number).items())
        read = [f"{one.name} {one.words}" for one in told if one and one.about in shown]
        read.sort(key=lambda words: words.startswith("pgmap"))  # its reference is drawn already
        said[number + 1] = (", ".join(inside), read[0] if read else "")
    return said


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
    """Return for each thread to draw how many lines lead to it at the most."""
    lines = [Counter(by for all in still.held.values() for by in all) for still in stills]
    threads = {by for found in lines for by in found if isinstance(by, int)}
    threads |= {number for still in stills for number, said in still.says.items() if any(said)}
    return {number: max(found[number] for found in lines) for number in sorted(threads)}


def _draw(still: Still, x: float, lanes: Mapping[int, int], lines: Sequence[int]) -> str:
    """Return one moment, with its upper left corner at `x`: above the things, below the threads.

    lines  which of what is said of a thread there is a line for
    """
    at, function = still.after
    parts = [words(f"{still.title} · {at}", x, 13, BOLD)]
    parts.append(words(function, x, 27, ' font-size="10"'))
    tops = {name: TOP + n * STEP for n, name in enumerate(still.things)}
    edge, top = x + BROAD, TOP + len(tops) * STEP
    cards, channels, channel = {}, {}, edge + SIDE
    here = {number: many for number, many in lanes.items() if number in still.labels}
    for number, many in here.items():  # a line to a thread goes past those above it
        cards[number] = top
        channels[number] = [channel + GAP * n for n in range(many)]
        channel += GAP * many
        says = [still.says[number][n] for n in lines]
        parts.append(card(number, still.labels[number], x, top, channel - GAP / 2 - x, says))
        top += CARD + LINE * len(lines) + GAP
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
    for number, says in still.says.items():
        if any(says):
            said.append(f"{still.labels[number]}: {', '.join(filter(None, says))}")
    at = ", ".join(filter(None, still.after))
    return f"{still.title}, {at}. {'; '.join(said)}."


def _held(count: int, by: Holder, still: Still) -> str:
    if not by:
        return f"{count} of its own"
    return f"{count} held by {still.labels[by] if isinstance(by, int) else by}"
