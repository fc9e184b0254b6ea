"""Does the model take a path that a running kernel took?

A kernel's trace holds the entry of some functions, and what a lookup answered; the model has more
steps than that, and they are smaller.  So a trace is not a schedule.  What it says is in what
order things happened that both know: each event opens a window of time in which one step of the
model has to be taken by the same thread, and the window closes with that thread's next event.
All other steps of the model may come at any time.

The trace is followed through the model state by state.  If some schedule fits all of it, the model
can do what the kernel did; if none does, the event at which the last one is lost says where the
two part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..catalogue import race
from ..checker.explore import Graph
from ..checker.machine import CALLER as HOLDER
from ..checker.scenario import Scenario
from ..checker.step import Thread
from ..checker.thread import Automaton
from ..kernel.design import DESIGNS, Design
from ..kernel.gup import gup_fast
from ..kernel.machine import MAPPING, PGMAP
from ..kernel.users import direct_io

# One table: what a kernel's trace calls it, and the kernel function that the step of the model says
# it stands for, whatever its own name is.  A second word is the caller, where only that call is
# meant.  None: it closes a window and opens none.
CALLER = {
    "internal_get_user_pages_fast": "local_irq_save",
    "gup_fast_fallback": "local_irq_save",
    "get_dev_pagemap": "get_dev_pagemap",
    "get_dev_pagemap: found": None,
    "get_dev_pagemap: none": None,
    "undo_dev_pagemap": None,
    "__get_user_pages": None,
    "bio_release_pages": "put_page",
    "__bio_release_pages": "put_page",
    "fact pin.ends now": "put_page",
    "__put_devmap_managed_page_refs page_cache_pipe_buf_release": "put_page",
    "free_devmap_managed_page page_cache_pipe_buf_release": "put_page",
    "__put_page page_cache_pipe_buf_release": "put_page",  # the last one, after the unbind's own
    "fact pin.ended now": None,
}
UNBIND = {
    "kill_dax": "kill_dax",
    "unmap_mapping_range unmap_all_files": "unmap_mapping_range",
    "del_gendisk": "dax_entry_mkclean",
    "memunmap_pages": "percpu_ref_kill_and_confirm",
    "wait_for_completion memunmap_pages": "dev_pagemap_cleanup",
    "blk_cleanup_queue": "dev_pagemap_cleanup",
    "arch_remove_memory": "arch_remove_memory",
    "fact unbind returns": None,
}
# These two are seen again and again for what is one step of the model.
ONCE = ("put_page", "dev_pagemap_cleanup")
# A lookup's entry, and what it answered.
LOOKUPS = {"get_dev_pagemap": None, "get_dev_pagemap: found": True, "get_dev_pagemap: none": False}
MARK = "|"  # stands in a schedule where an event was seen
MOST_TIMES = 3  # a loop that came a thousand times is followed three times: the states are the same


class Event(NamedTuple):
    """One event of a record, as far as it matters here.

    at        its place among the record's events
    thread    0 for the caller, 1 for the unbind
    function  what the model's step stands for that it tells of, or None
    answer    what the lookup answered, where the event says so
    """

    at: int
    thread: int
    function: str | None
    answer: bool | None


@dataclass(frozen=True)
class Followed:
    """How far the model could follow a trace.

    accepted  did some schedule fit all of it?
    schedule  that schedule; or the longest that fitted, up to the event at which they part
    parted    the index of that event among the record's, or None
    events    how many events both know
    dies      does a schedule that fits touch a struct page that is gone?
    parts     the schedule in pieces: the steps before the first event both know, then those after
              each of them
    known     those events
    """

    accepted: bool
    schedule: str
    parted: int | None
    events: int
    dies: bool = False
    parts: tuple[str, ...] = ()
    known: tuple[Event, ...] = ()


def for_ever(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
    """Run one direct I/O after the other."""
    while True:
        yield from direct_io(cpu, address, pages, flags, design, gup_fast)


def known(
    events: Sequence[Sequence[Any]], caller: str = "thread 1", blind: bool = False
) -> list[Event]:
    """Return the events of a record that the model knows, with what was folded laid out.

    events  as in the record: [microseconds, CPU, who, what, called by, interrupts off, times, ...]
    caller  who of the trace is the model's thread 1
    blind   leave out what gup-fast was told: somebody has lied to it
    """
    found: list[Event] = []
    for index, event in _laid_out(events):
        who, what, by = event[2], event[3], event[4]
        if who not in (caller, "thread 2"):
            continue
        if blind and event[5] and what in LOOKUPS:
            continue
        thread = int(who == "thread 2")
        table: Mapping[str, str | None] = UNBIND if thread else CALLER
        if what == "unmap_then_del_gendisk":  # the hook: del_gendisk itself is still to come
            found.pop()
            continue
        name = next((name for name in (f"{what} {by}", what) if name in table), None)
        if name is None:
            continue
        function = table[name]
        if function in ONCE and _last(found, thread) == function:
            continue
        found.append(Event(index, thread, function, LOOKUPS.get(what)))
    return found


def _last(found: Sequence[Event], thread: int) -> str | None:
    return next((event.function for event in reversed(found) if event.thread == thread), None)


def _laid_out(events: Sequence[Sequence[Any]]) -> Iterator[tuple[int, Sequence[Any]]]:
    for index, event in enumerate(events):
        length = event[7] if len(event) > 7 else 1
        yield index, event
        for _ in range(min(event[6], MOST_TIMES) - 1):
            for back in range(length - 1, -1, -1):
                yield index, events[index - back]


class _Place(NamedTuple):
    """Where the model may stand: a state, what each thread owes, and what it was last told."""

    state: int
    owes: tuple[str | None, ...]
    told: tuple[bool | None, ...]


def follow(scenario: Scenario, events: Iterable[Event]) -> Followed:
    """Follow a trace through a scenario of one caller and the unbind."""
    graph = Graph(scenario.machine, scenario.threads)
    start = _Place(graph.states[0], (None, None), (None, None))
    places = {start: ""}
    longest, at = "", None
    events = tuple(events)
    # A step that no event of this trace stands for is one that this kernel's tracer did not see.
    visible = tuple({event.function for event in events if event.thread == n} for n in (0, 1))
    for count, event in enumerate(events):
        reached = _closure(graph, places, visible)
        places = {}
        for place, schedule in reached.items():
            if place.owes[event.thread] is not None:
                continue
            if event.answer is not None and place.told[event.thread] != event.answer:
                continue
            there = place._replace(owes=_with(place.owes, event.thread, event.function))
            so_far = schedule + MARK
            places[there] = min(places.get(there, so_far), so_far, key=len)
        if not places:
            return Followed(False, longest.replace(MARK, ""), event.at, count)
        longest = min(places.values(), key=lambda schedule: (len(schedule), schedule))
        at = event.at
    reached = _closure(graph, places, visible)
    done = {place: schedule for place, schedule in reached.items() if place.owes == (None, None)}
    if not done:
        return Followed(False, longest.replace(MARK, ""), at, len(events))
    shortest = min(done.values(), key=lambda schedule: (len(schedule), schedule))
    dies = any(graph.stopped(graph.machine(place.state)) for place in done)
    parts = tuple(shortest.split(MARK))
    return Followed(True, "".join(parts), None, len(events), dies, parts, events)


def _closure(
    graph: Graph, places: Mapping[_Place, str], visible: tuple[set[str | None], ...]
) -> dict[_Place, str]:
    """Return every place that steps reach which the trace does not show, or which are owed."""
    found = dict(places)
    frontier = list(places)
    while frontier:
        following = []
        for place in frontier:
            if graph.stopped(graph.machine(place.state)):
                continue
            for thread in range(2):
                move = graph.move(place.state, thread)
                if move is None:
                    continue
                action = move.step.action
                owed = place.owes[thread] == action.source.function
                if action.source.function in visible[thread] and not owed:
                    continue
                asks = (PGMAP, HOLDER) in action.declares.takes
                there = _Place(
                    place.state + move.delta,
                    _with(place.owes, thread, None) if owed else place.owes,
                    _with(place.told, thread, bool(move.effect.result)) if asks else place.told,
                )
                if there not in found:
                    found[there] = found[place] + str(thread + 1)
                    following.append(there)
        frontier = following
    return found


def _with(values: tuple[Any, ...], at: int, value: Any) -> tuple[Any, ...]:
    return (*values[:at], value, *values[at + 1 :])


# Which design of the model stands for which kernel, and for one into which the lab put the cure.
KERNELS = {"5.10": "v5.11", "6.1": "v6.1", "6.12": "v6.1", "7.3": "v6.15"}
CURE, CURE_WAITS = "cure-on-v6.1", "cure-on-v6.1-waits"


@dataclass(frozen=True)
class Trace:
    """One path of a kernel that the model is asked to take.

    scenario  of the lab
    caller    who of its trace is the model's thread 1
    access    of that caller's buffer: "read" or "write"
    again     does it begin anew each time?
    cure      the design that the lab made of the kernel's own; "" if it left that as it is
    blind     did the lab have gup-fast's lookups answer that all is well?
    """

    scenario: str
    caller: str = "thread 1"
    access: str = "read"
    again: bool = False
    cure: str = ""
    blind: bool = False

    def design(self, version: str) -> Design:
        """Return the design that matches this scenario on a kernel.

        Raises KeyError for a kernel without a design here.
        """
        base = DESIGNS[self.cure or KERNELS[version]]
        if self.blind:
            return replace(base, name=f"{base.name}, check blinded", check=False)
        return base

    def in_model(self, design: Design) -> Scenario:
        """Return the race that it is followed through: one caller and the unbind."""
        made = race(design, access=self.access)
        if not self.again:
            return made
        caller = Automaton("gup in a loop", for_ever, (0, MAPPING, 1, 0, design))
        return replace(made, threads=(caller, made.threads[1]))

    def of(self, record: Mapping[str, Any], design: str = "") -> Followed:
        """Follow this trace of a kernel's record, with the matching design or the one named."""
        matching = self.design(record["kernel"]["version"])
        chosen = DESIGNS[design] if design else matching
        run = record["scenarios"][self.scenario]
        events = known(run["events"], self.caller, blind=not matching.check)
        return follow(self.in_model(chosen), events)


# Left out: process_vm_readv(), which asks gup-slow at once, as no caller of the model does; the
# scenarios in which a process clears its own PTE; and the second life of the driver.
TRACES = (
    Trace("direct-io", access="write"),
    Trace("hold"),
    Trace("probes", "gup-read-vmsplice"),
    Trace("probes", "gup-read-pwrite"),
    Trace("probes", "gup-write-pread", "write"),
    Trace("probes-blind", "gup-read-vmsplice", blind=True),
    Trace("cure", "gup-read-vmsplice", cure=CURE),
    Trace("cure", "gup-write-pread", "write", cure=CURE),
    Trace("cure-hold", cure=CURE),
    Trace("cure-direct-io", access="write", cure=CURE),
    Trace("cure-waits-hold", cure=CURE_WAITS),
    Trace("cure-waits-direct-io", access="write", cure=CURE_WAITS),
    Trace("two-cpus", again=True),
)
