"""An execution, in words and as a drawing: a column for each thread, an arrow for who saw what.

    rf  a read, and the write it reads from
    co  two writes of one place, in the order they have there
    fr  a read, and the first write that came too late for it

The steps of a cycle are red; where a full barrier is missing, the step is dashed.  The drawing is
SVG, made here by hand: it must also work where there is no matplotlib.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from string import ascii_lowercase

from .execution import Execution
from .litmus import LOCK, RMW, SYNC, UNLOCK
from .relation import Path
from .unroll import Event

RED, GREY, INK = "#D55E00", "#808080", "currentColor"
ARROWS = {"rf": "#009E73", "co": "#0072B2", "fr": "#E69F00"}
WIDTH, HEIGHT, ACROSS, DOWN, LEFT = 172, 28, 262, 48, 44
FENCES = {
    **{"before-atomic": "smp_mb__before_atomic", "after-atomic": "smp_mb__after_atomic"},
    **{LOCK: "rcu_read_lock", UNLOCK: "rcu_read_unlock", SYNC: "synchronize_rcu"},
}
KINDS = {"mb": "", "once": "_relaxed", "acquire": "_acquire", "release": "_release", "noreturn": ""}
Missing = Sequence[tuple[Event, Event]]


@dataclass(frozen=True)
class Node:
    """What is drawn as one: an event, or all events of one read-modify-write.

    letter  what it is called; "" for a fence
    says    what it does, as the kernel writes it
    events  its events
    """

    letter: str
    says: str
    events: tuple[Event, ...]

    @property
    def thread(self) -> int:
        return self.events[0].thread


def nodes(x: Execution) -> list[Node]:
    """Return what is drawn of an execution, thread by thread."""
    found: list[Node] = []
    letters: Iterator[str] = iter(ascii_lowercase)
    for run in x.shape.runs:
        halves = dict(run.rmw)
        left = list(run.events)
        while left:
            first = left.pop(0)
            group = [first]
            if first.kind == "F" and first.tag == "mb" and left and left[0] in halves:
                group += [left.pop(0), left.pop(0)]
                if left and left[0].operation == first.operation and left[0].tag == "mb":
                    group.append(left.pop(0))
            elif first in halves:
                group.append(left.pop(0))
            letter = "" if len(group) == 1 and first.kind == "F" else next(letters)
            found.append(Node(letter, _says(x, tuple(group)), tuple(group)))
    return found


def _says(x: Execution, group: tuple[Event, ...]) -> str:
    """Return what a node does, as the kernel writes it."""
    memory = [event for event in group if event.kind != "F"]
    if not memory:
        return f"{FENCES.get(group[0].tag, f'smp_{group[0].tag}')}()"
    event = memory[0]
    value = x.values[event]
    if len(memory) == 2:
        kind = memory[1].tag if memory[1].tag == "release" else event.tag
        name = "RMW" if len(group) > len(memory) else f"RMW{KINDS[kind]}"
        return f"{name} {event.place}: {value} → {x.values[memory[1]]}"
    operation = x.shape.test.threads[event.thread][event.operation]
    if isinstance(operation, RMW):
        return f"RMW fails, {event.place} = {value}"
    if event.kind == "R":
        name = "smp_load_acquire" if event.tag == "acquire" else "READ_ONCE"
        return f"{name}({event.place}) = {value}"
    name = "smp_store_release" if event.tag == "release" else "WRITE_ONCE"
    return f"{name}({event.place}, {value})"


def cycle_in_words(x: Execution, cycle: Path) -> str:
    """Return the steps of a cycle: *a fr→ d mb→ e fr→ b mb→ a*."""
    named = {event: node.letter or node.says for node in nodes(x) for event in node.events}
    events = x.shape.events
    steps = [edge for edge in cycle if named[events[edge.start]] != named[events[edge.end]]]
    if not steps:
        return ""
    first = min(range(len(steps)), key=lambda n: steps[n].start)
    steps = steps[first:] + steps[:first]
    words = [named[events[steps[0].start]]]
    for n, edge in enumerate(steps):
        if n + 1 < len(steps) and edge.name == steps[n + 1].name == "po":
            continue  # two in a row are one
        words.append(f"{edge.name}→ {named[events[edge.end]]}")
    return " ".join(words)


def in_words(x: Execution) -> str:
    """Return an execution as lines of text, thread by thread, with what each read reads from."""
    found = nodes(x)
    named = {event: node.letter for node in found for event in node.events}
    lines: list[str] = []
    thread = -1
    for node in found:
        lead = f"P{node.thread}" if node.thread != thread else ""
        thread = node.thread
        line = f"  {lead:4}{node.letter:2} {node.says}"
        reads = [event for event in node.events if event.kind == "R"]
        if reads:
            source = x.reads_from[reads[0]]
            line = f"{line:46} reads from {named[source] if source else 'the start'}"
        lines.append(line)
    return "\n".join(lines)


def draw(x: Execution, cycle: Path, missing: Missing, alt: str) -> str:
    """Return an execution as SVG.

    cycle    the steps to be drawn in red
    missing  of those that stay in a thread, which are dashed: see `Answer`
    alt      what it shows, in words
    """
    found = nodes(x)
    spots: dict[Event, tuple[float, float]] = {}
    parts: list[str] = []
    below = [0] * len(x.shape.runs)
    for node in found:
        left, top = LEFT + node.thread * ACROSS, 30 + below[node.thread] * DOWN
        below[node.thread] += 1
        for event in node.events:
            spots[event] = left, top
        parts.append(_box(node, left, top))
    for thread in range(len(below)):
        parts.append(_text(f"P{thread}", LEFT + thread * ACROSS + WIDTH / 2, 16, "middle", GREY))
    red = {(edge.name, edge.start, edge.end) for edge in cycle}
    number = x.shape.number
    for name, start, end in _arrows(x):
        if (name, number[start], number[end]) not in red:
            parts.append(_arrow(spots[start], spots[end], name, ARROWS[name], 1.3))
    dashed = {(number[a], number[b]) for a, b in missing}
    for edge in cycle:
        a, b = (x.shape.events[n] for n in (edge.start, edge.end))
        if spots[a] != spots[b]:
            dash = any(
                spots[x.shape.events[p]] == spots[a] and a.thread == b.thread for p, _ in dashed
            )
            parts.append(
                _arrow(spots[a], spots[b], "" if edge.name == "po" else edge.name, RED, 2.4, dash)
            )
    wide, high = LEFT + (len(below) - 1) * ACROSS + WIDTH + LEFT, 24 + max(below) * DOWN
    return (
        f'<svg role="img" aria-label="{html.escape(alt)}" xmlns="http://www.w3.org/2000/svg" '
        f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}" '
        f'font-family="sans-serif" font-size="12">{"".join(parts)}</svg>'
    )


def _arrows(x: Execution) -> Iterator[tuple[str, Event, Event]]:
    """Yield the arrows between threads; of co and fr only those to the next write."""
    for name, start, end in _all_arrows(x):
        if start.thread != end.thread:
            yield name, start, end


def _all_arrows(x: Execution) -> Iterator[tuple[str, Event, Event]]:
    for read, write in x.reads_from.items():
        if write is not None:
            yield "rf", write, read
        order = x.order.get(read.place, ())
        later = order[order.index(write) + 1 if write else 0 :]
        if later:
            yield "fr", read, later[0]
    for order in x.order.values():
        for first, second in pairwise(order):
            yield "co", first, second


def _box(node: Node, left: float, top: float) -> str:
    middle = top + HEIGHT / 2
    if not node.letter:
        said = _text(node.says, left + WIDTH / 2, middle + 4, "middle", INK)
        ends = (f"M{left} {middle}h10", f"M{left + WIDTH - 10} {middle}h10")
        return said + "".join(f'<path d="{d}" stroke="{GREY}" stroke-width="2"/>' for d in ends)
    return (
        f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" rx="4" fill="none" '
        f'stroke="{GREY}" stroke-width="1.5"/>'
        + _text(node.letter, left + 8, middle + 4, "start", INK, ' font-weight="700"')
        + _text(node.says, left + 22, middle + 4, "start", INK)
    )


def _text(said: str, x: float, y: float, anchor: str, colour: str, more: str = "") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{colour}"{more}>'
        f"{html.escape(said)}</text>"
    )


def _arrow(
    start: tuple[float, float],
    end: tuple[float, float],
    name: str,
    colour: str,
    wide: float,
    dashed: bool = False,
) -> str:
    """Draw an arrow between two boxes: from side to side, or along a column."""
    (x, y), (to, below) = start, end
    y, below = y + HEIGHT / 2, below + HEIGHT / 2
    if x == to:
        side = -1 if x < ACROSS else 1  # the first column's on its left, the others' on their right
        x += WIDTH if side > 0 else 0
        out, tip = x + 26 * side, x + 7 * side
        path = f"M{x:g} {y:g}C{out:g} {y + 8:g} {out:g} {below - 8:g} {tip:g} {below:g}"
        head, at = (
            f"M{x:g} {below:g}l{8 * side} -4v8z",
            (x + 21 * side, (y + below) / 2 + 4, "middle"),
        )
    else:
        right = to > x
        x, to = (x + WIDTH, to) if right else (x, to + WIDTH)
        lead = 34 if right else -34
        path = (
            f"M{x:g} {y:g}C{x + lead:g} {y:g} {to - lead:g} {below:g} {to - lead / 5:g} {below:g}"
        )
        head = f"M{to:g} {below:g}l{'-8 -4v8z' if right else '8 -4v8z'}"
        at = (x + (to - x) * 0.3, y + (below - y) * 0.22 - 4, "middle")
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{wide:g}"{dash}/>'
        f'<path d="{head}" fill="{colour}"/>' + (_text(name, *at, colour) if name else "")
    )
