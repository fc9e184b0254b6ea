"""What real kernels did, as recorded: facts, outcomes, oopses, costs, and traces beside the model.

The records in data/ are made by tests/kernel/lab.py, one for each kernel, and by
tests/kernel/ablation.py; each speaks of one build of one version.  Nothing here runs a kernel.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ..checker.replay import Moment, replay
from .conformance import Followed, Trace

DATA = Path(__file__).parent / "data"
PAGE_STRUCT = 64  # sizeof(struct page) in these builds
ARRAY_ALIGNED = 1 << 30  # where their array begins, on both machines
SPINS = "spins in the kernel"  # what the lab writes of a probe that does not come back, nor sleeps


def load(version: str) -> dict[str, Any]:
    """Return the record of a kernel, such as "6.1" or "6.12-arm64".

    Raises FileNotFoundError if there is none.
    """
    record: dict[str, Any] = json.loads((DATA / f"kernel-{version}.json").read_text())
    return record


def load_ablation() -> dict[str, Any]:
    """Return the record of the kernel from which gup-fast's check was taken out."""
    record: dict[str, Any] = json.loads((DATA / "ablation-6.1.json").read_text())
    return record


def versions() -> list[str]:
    """Return the versions that have a record, oldest first, such as "6.1" and "6.12-arm64"."""

    def age(name: str) -> tuple[list[int], str]:
        version, _, machine = name.partition("-")
        return [int(part) for part in version.split(".")], machine

    return sorted(
        (path.stem.removeprefix("kernel-") for path in DATA.glob("kernel-*.json")), key=age
    )


def facts(run: Mapping[str, Any]) -> dict[str, str]:
    """Return {name: value} of a scenario's run; of a fact that came twice, the first."""
    return dict(reversed(run["facts"]))


def waited(run: Mapping[str, Any]) -> bool:
    """Did unbind return only when the pin had ended?"""
    order = [name for name, value in run["facts"] if (name, value) != ("unbind", "begins")]
    ended = [order.index(name) for name in ("io.result", "pin.ended") if name in order]
    return bool(ended) and min(ended) < order.index("unbind")


def came_to(run: Mapping[str, Any], probe: str) -> str:
    """Say in a word or two what a probe came to."""
    said = facts(run)
    if f"{probe}.result" in said:
        return said[f"{probe}.result"]
    if said.get(f"{probe}.still") == SPINS:
        return "spins"
    return "oops" if f"{probe}.pte" in said else "not tried"


def struct_page(run: Mapping[str, Any], number: int = 0, first: int = 0) -> tuple[int, int, int]:
    """Take an oops apart: return (where the array of struct pages begins, frame, byte in the page).

    The frame is the one that the caller saw in its own PTE before.  Raises ValueError if the
    address is not inside that frame's struct page.

    run     a scenario's
    number  which of its oopses
    first   the frame whose struct page is the first of the array
    """
    pfn = int(re.findall(r"pfn 0x([0-9a-f]+)", " ".join(v for _, v in run["facts"]))[0], 16)
    address = int(run["oopses"][number]["address"], 16)
    start, inside = divmod(address, ARRAY_ALIGNED)
    byte = inside - (pfn - first) * PAGE_STRUCT
    if not 0 <= byte < PAGE_STRUCT:
        raise ValueError(f"{address:#x} does not lie in the struct page of frame {pfn:#x}.")
    return start * ARRAY_ALIGNED, pfn, byte


class Line(NamedTuple):
    """A straight line through counted costs.

    fixed     instructions a call
    per_page  instructions a page
    off       the largest distance of a count from the line
    """

    fixed: float
    per_page: float
    off: float


def costs(
    calls: list[dict[str, Any]], memory: str, call: str, write: bool = True
) -> dict[int, int]:
    """Return {pages: instructions} of one kind of call, the least of eight."""
    return {
        c["pages"]: c["least"]
        for c in calls
        if (c["memory"], c["call"], c["write"]) == (memory, call, write)
    }


def line(counted: Mapping[int, int]) -> Line:
    """Return the line through the first and the last count, and how far off the others are."""
    first, last = min(counted), max(counted)
    per_page = (counted[last] - counted[first]) / (last - first)
    fixed = counted[first] - per_page * first
    off = max(abs(fixed + per_page * pages - cost) for pages, cost in counted.items())
    return Line(fixed, per_page, off)


@dataclass(frozen=True)
class SideBySide:
    """A kernel's trace on the left, the steps of the model that fit it on the right.

    record  a kernel's
    trace   which path of it
    """

    record: Mapping[str, Any]
    trace: Trace

    def rows(self) -> list[tuple[str, str, str, list[Moment]]]:
        """Return (microseconds, who, event, steps of the model), a row for each event.

        The first row has no event: the steps before it.
        """
        followed = self.followed
        scenario = self.trace.in_model(self.trace.design(self.record["kernel"]["version"]))
        moments = iter(replay(scenario, followed.schedule))
        taken = [[next(moments) for _ in part] for part in followed.parts]
        events = self.record["scenarios"][self.trace.scenario]["events"]
        shown = [("", "", "", taken[0])]
        for event, steps in zip(followed.known, taken[1:], strict=True):
            at, _, who, what, *_ = events[event.at]
            shown.append((f"{at:,}", who, what, steps))
        return shown

    @property
    def followed(self) -> Followed:
        """Return how far the model could follow the trace."""
        return self.trace.of(self.record)

    def _repr_html_(self) -> str:
        head = "<tr><th>µs</th><th>who</th><th>the kernel</th><th>the model</th></tr>"
        body = "".join(
            f"<tr><td>{at}</td><td>{html.escape(who)}</td><td><code>{html.escape(what)}</code></td>"
            f"<td>{'<br>'.join(_in_words(moment) for moment in steps)}</td></tr>"
            for at, who, what, steps in self.rows()
            if what or steps
        )
        return f'<table class="gup-plain gup-beside">{head}{body}</table>'

    def __repr__(self) -> str:
        lines = []
        for at, who, what, steps in self.rows():
            lines.append(f"{at:>12} {who:9} {what}".rstrip())
            lines += [f"{'':12} | {moment.thread} {moment.said}" for moment in steps]
        return "\n".join(line for line in lines if line)


def _in_words(moment: Moment) -> str:
    return f"{moment.thread}: {html.escape(moment.said)}"
